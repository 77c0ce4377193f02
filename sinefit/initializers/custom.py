"""Any point of the plane of c_w and c_b, for trials."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.initializers.base import Initializer, TrainingRules
from sinefit.initializers.controlled import (
    FIRST_BIAS_NOTE,
    FirstBias,  # noqa: TC001 (the parameters are read off the annotations)
    draw_controlled,
)
from sinefit.initializers.draws import scales_by_layer

if TYPE_CHECKING:
    import torch

    from sinefit.initializers.base import SignalTraits
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Custom(Initializer):
    """The layers that `lambert` has, with the constants left free.

    Every scheme whose hidden layers are alike has its place in the plane of both constants, which
    `sinefit analyze` shows with the variances that deep layers tend to.
    """

    name: ClassVar[str] = "custom"
    formula: ClassVar[str] = "W1 ~ U(±ω/d); hidden and last W ~ U(±c_w/√N), b ~ N(0, c_b²)"
    advice: ClassVar[str] = "To try other constants than those of the schemes: see sinefit analyze."
    reference: ClassVar[str] = (
        "Combette, Venaille, Pustelnik (2025), arXiv:2512.06427: the family whose fixed points it "
        "derives"
    )

    c_w: float = field(
        default=2.0,
        metadata={
            "help": "bound of the weights after the first layer, in units of 1/√N",
            "minimum": 0.0,
        },
    )
    c_b: float = field(
        default=0.0,
        metadata={
            "help": "standard deviation of the biases after the first layer",
            "minimum": 0.0,
        },
    )
    first_bias: FirstBias = field(default="phase", metadata=FIRST_BIAS_NOTE)

    def omega_for(self, frequency: float, size: NetworkSize) -> float:
        """Return `frequency` d √3, since U(±omega/d) has standard deviation omega/(d √3)."""
        return frequency * size.in_features * math.sqrt(3.0)

    def draw(
        self,
        size: NetworkSize,
        omega: tuple[float, ...],
        traits: SignalTraits,  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Network:
        """Draw starting weights in effective form."""
        return draw_controlled(size, omega, self.c_w, self.c_b, self.first_bias, generator)

    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:  # noqa: ARG002
        """Return the same rate for every layer."""
        return TrainingRules(scales_by_layer((1.0,) * (network.size.depth + 1)))
