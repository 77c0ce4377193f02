"""Weight scaling: SIREN with its first and hidden weights multiplied by one factor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.initializers.base import Initializer
from sinefit.initializers.draws import sine_network
from sinefit.initializers.siren import siren_layers, siren_omega, siren_rules

if TYPE_CHECKING:
    import torch

    from sinefit.initializers.base import SignalTraits, TrainingRules
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Ws(Initializer):
    """Weight scaling (Yeom et al. 2025): SIREN times alpha in all layers but the last.

    Biases and the last layer stay SIREN's.
    """

    name: ClassVar[str] = "ws"
    formula: ClassVar[str] = "siren with first and hidden W times α; biases and last layer unscaled"
    advice: ClassVar[str] = (
        "For wide networks in full batches, where it fits fastest per step; in small batches its "
        "hot start may not settle."
    )
    reference: ClassVar[str] = (
        "Yeom, Lee, Lee (2025), Fast Training of Sinusoidal Neural Fields via Scaling "
        "Initialization, ICLR"
    )
    hidden_rate: ClassVar[float] = 0.009

    alpha: float = field(
        default=2.5,
        metadata={
            "help": "factor on the weights of the first and the hidden layers; 1 is siren",
            "above": 0.0,
        },
    )
    hidden_omega: float = field(
        default=30.0,
        metadata={
            "help": "siren's factor inside each hidden sine, for biases, learning rates and the "
            "last layer",
            "above": 0.0,
        },
    )

    def omega_for(self, frequency: float, size: NetworkSize) -> float:
        """Return siren's: the first layer is alpha times that of siren."""
        return siren_omega(frequency, size)

    def draw(
        self,
        size: NetworkSize,
        omega: tuple[float, ...],
        traits: SignalTraits,  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Network:
        """Draw starting weights in effective form."""
        weights, biases = siren_layers(size, omega, self.hidden_omega, generator)
        *inner, last = weights
        scaled = [weight * self.alpha for weight in inner]
        return sine_network(size, [*scaled, last], biases)

    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:
        """Return SIREN's learning-rate scales."""
        return siren_rules(network.size, omega, self.hidden_omega)
