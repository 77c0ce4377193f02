"""Simple sinusoidal networks: normal weights, and omega in the first layer alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sinefit.initializers.base import Initializer, TrainingRules, check_omega, mean_omega
from sinefit.initializers.draws import per_axis, scales_by_layer, sine_network
from sinefit.networks.draws import normal, zeros

if TYPE_CHECKING:
    import torch

    from sinefit.initializers.base import SignalTraits
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Ssn(Initializer):
    """Simple sinusoidal networks (Belbute-Peres & Kolter 2023).

    The hidden weights have SIREN's variance in a normal distribution. Zero biases are a choice made
    here, where the paper is silent; they make the starting network odd.
    """

    name: ClassVar[str] = "ssn"
    formula: ClassVar[str] = "W1 ~ N(0, ω²·2/d); hidden and last W ~ N(0, 2/N); b = 0"
    advice: ClassVar[str] = "A simple siren; omega is the bandwidth of its tangent kernel."
    reference: ClassVar[str] = (
        "Belbute-Peres, Kolter (2023), Simple Initialization and Parametrization of Sinusoidal "
        "Networks via Their Kernel Bandwidth, ICLR"
    )
    hidden_rate: ClassVar[float] = 0.012

    def omega_for(self, frequency: float, size: NetworkSize) -> float:
        """Return `frequency` √(d/2), since the first weights deviate by omega √(2/d)."""
        return frequency * math.sqrt(size.in_features / 2.0)

    def draw(
        self,
        size: NetworkSize,
        omega: tuple[float, ...],
        traits: SignalTraits,  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Network:
        """Draw starting weights in effective form."""
        check_omega(omega, size)
        first, *others = size.layers
        first_std = math.sqrt(2.0 / size.in_features)
        other_std = math.sqrt(2.0 / size.width)
        weights = [normal(first, first_std, generator) * per_axis(omega)]  # (width, axes)
        weights.extend(normal(shape, other_std, generator) for shape in others)
        return sine_network(size, weights, [zeros(shape[:1]) for shape in size.layers])

    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:
        """Return Adam's scale omega on the first layer, 1 on the others."""
        scales = (mean_omega(omega), *[1.0] * network.size.depth)
        return TrainingRules(scales_by_layer(scales, omega))
