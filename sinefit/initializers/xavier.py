"""Xavier's uniform weights inside SIREN's factors: how a sine network starts without a recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.initializers.base import Initializer, check_omega
from sinefit.initializers.draws import per_axis, sine_network
from sinefit.initializers.siren import siren_rules
from sinefit.networks.draws import uniform, zeros

if TYPE_CHECKING:
    import torch

    from sinefit.initializers.base import SignalTraits, TrainingRules
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Xavier(Initializer):
    """Xavier uniform weights (Glorot & Bengio 2010), native inside the factors of the sines.

    With the default `hidden_omega` of 30, as papers compare with it, the pre-activations fill many
    periods of the sine. With 1, square hidden layers are those of `lambert` at sigma_a = 0.
    """

    name: ClassVar[str] = "xavier"
    formula: ClassVar[str] = (
        "W ~ U(±√(6/(fan_in+fan_out))) times ω in the first and 30 in hidden layers; b = 0"
    )
    advice: ClassVar[str] = (
        "A negative control that hardly trains; with hidden_omega=1 a relative of lambert."
    )
    reference: ClassVar[str] = (
        "Glorot, Bengio (2010), Understanding the Difficulty of Training Deep Feedforward Neural "
        "Networks, AISTATS"
    )
    hidden_rate: ClassVar[float] = 0.009

    hidden_omega: float = field(
        default=30.0,
        metadata={
            "help": "factor inside each hidden sine, on its weights and its learning rate",
            "above": 0.0,
        },
    )

    def omega_for(self, frequency: float, size: NetworkSize) -> float:
        """Return `frequency` √((d+N)/2), since weights deviate by omega √(2/(d+N))."""
        return frequency * math.sqrt((size.in_features + size.width) / 2.0)

    def draw(
        self,
        size: NetworkSize,
        omega: tuple[float, ...],
        traits: SignalTraits,  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Network:
        """Draw starting weights in effective form."""
        check_omega(omega, size)
        weights = [uniform(shape, math.sqrt(6.0 / sum(shape)), generator) for shape in size.layers]
        weights[0] = weights[0] * per_axis(omega)
        weights[1:-1] = [weight * self.hidden_omega for weight in weights[1:-1]]
        return sine_network(size, weights, [zeros(shape[:1]) for shape in size.layers])

    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:
        """Return SIREN's learning-rate scales."""
        return siren_rules(network.size, omega, self.hidden_omega)
