"""The start of networks other than sine networks: the one that their paper gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sinefit.initializers.base import TrainingRules

if TYPE_CHECKING:
    import torch

    from sinefit.initializers.base import SignalTraits
    from sinefit.networks.family import Published
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class OwnStart:
    """What an initializer is to a sine network, for a family that has no choice of them.

    It knows no omega: where the family has such a factor, it is a setting of the network.
    """

    family: Published
    reads_spectrum: ClassVar[bool] = False

    @property
    def paper_rate(self) -> float:
        """Adam's rate in the paper's scripts."""
        return self.family.usual_rate

    def draw(
        self,
        size: NetworkSize,
        omega: tuple[float, ...],  # noqa: ARG002 (it has none)
        traits: SignalTraits,
        generator: torch.Generator,
    ) -> Network:
        """Draw a network's starting weights, float32."""
        from sinefit.networks.network import Network

        drawn = self.family.draw(size, traits.shape, generator)
        return Network.of(self.family, size, {name: drawn[name][None] for name in drawn})

    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:  # noqa: ARG002
        """Return the rules for training: one rate for all weights but the frozen ones."""
        return TrainingRules(
            dict.fromkeys(network.parameters, 1.0), self.family.frozen(network.size)
        )
