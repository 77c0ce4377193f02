"""Variance-informed weights: every layer's pre-activations start with the same variance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.initializers.base import Initializer, TrainingRules, check_omega
from sinefit.initializers.draws import per_axis, scales_by_layer, sine_network
from sinefit.networks.draws import normal, zeros

if TYPE_CHECKING:
    import torch

    from sinefit.initializers.base import SignalTraits
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Vi3nr(Initializer):
    """VI3NR (Koneputugodage et al. 2025): variances from the data and the activation.

    Choices made here: weights are normal; omega multiplies the paper's first layer, since without
    it a signal of many samples starts too smooth (omega = 1 is the paper); the second layer is
    given the variance that such a first layer feeds it, so that it too starts at s².
    """

    name: ClassVar[str] = "vi3nr"
    formula: ClassVar[str] = (
        "W1 ~ N(0, ω²s²/(d·E[x²])); others W ~ N(0, s²/(N·E[sin²z])), z ~ N(0, s²); b = 0"
    )
    advice: ClassVar[str] = "Equal pre-activations in all layers, whatever the coordinates' scale."
    reference: ClassVar[str] = (
        "Koneputugodage, Ben-Shabat, Ramasinghe, Gould (2025), VI3NR: Variance Informed "
        "Initialization for Implicit Neural Representations, CVPR"
    )
    hidden_rate: ClassVar[float] = 0.012

    s: float = field(
        default=1.0,
        metadata={
            "help": "standard deviation of the pre-activations in every layer; in the first, "
            "omega comes on top",
            "above": 0.0,
        },
    )

    def omega_for(self, frequency: float, size: NetworkSize) -> float:
        """Return `frequency` √(d/3), for s = 1 and coordinates that fill [-1, 1].

        Their mean square is 1/3; the first layer of another s is s times as wide.
        """
        return frequency * math.sqrt(size.in_features / 3.0)

    def draw(
        self,
        size: NetworkSize,
        omega: tuple[float, ...],
        traits: SignalTraits,
        generator: torch.Generator,
    ) -> Network:
        """Draw starting weights in effective form."""
        check_omega(omega, size)
        first, *others = size.layers
        first_std = self.s / math.sqrt(size.in_features * traits.mean_square_coordinate)
        weights = [normal(first, first_std, generator) * per_axis(omega)]  # (width, axes)
        variance = self.s**2 * sum(factor * factor for factor in omega) / len(omega)
        for shape in others:
            std = self.s / math.sqrt(size.width * mean_square_sine(variance))
            weights.append(normal(shape, std, generator))
            variance = self.s**2
        return sine_network(size, weights, [zeros(shape[:1]) for shape in size.layers])

    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:  # noqa: ARG002
        """Return the same rate for every layer."""
        return TrainingRules(scales_by_layer((1.0,) * (network.size.depth + 1)))


def mean_square_sine(variance: float) -> float:
    """Return E[sin² z] = (1 - exp(-2 variance))/2 for z ~ N(0, variance)."""
    return -math.expm1(-2.0 * variance) / 2.0
