"""A last layer whose weights follow a law of the width, on top of SIREN."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from sinefit.initializers.base import Initializer
from sinefit.initializers.draws import sine_network
from sinefit.initializers.siren import siren_layers, siren_omega, siren_rules
from sinefit.networks.draws import uniform

if TYPE_CHECKING:
    import torch

    from sinefit.initializers.base import SignalTraits, TrainingRules
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Nfsl(Initializer):
    """Neural-field scaling law (Saratchandran et al. 2024): last weights U(±1/N^(3/4)).

    They are wider than SIREN's, U(±√(6/N)/30): three times at 256 neurons, and the ratio falls as
    1/N^(1/4). The rule is the paper's; its combination with SIREN's other layers is a choice made
    here.
    """

    name: ClassVar[str] = "nfsl"
    formula: ClassVar[str] = "siren with last W ~ U(±1/N^(3/4)); hidden W siren or U(±1/√N)"
    advice: ClassVar[str] = (
        "A siren whose last layer follows a scaling law: three times wider at 256 neurons."
    )
    reference: ClassVar[str] = (
        "Saratchandran, Ramasinghe, Lucey (2024), From Activation to Initialization: Scaling "
        "Insights for Optimizing Neural Fields, CVPR"
    )

    hidden: Literal["siren", "uniform"] = field(
        default="siren",
        metadata={"help": "hidden weights U(±√(6/N)) (siren) or U(±1/√N) (uniform)"},
    )
    hidden_omega: float = field(
        default=30.0,
        metadata={
            "help": "siren's factor inside each hidden sine, for biases and learning rates",
            "above": 0.0,
        },
    )

    def omega_for(self, frequency: float, size: NetworkSize) -> float:
        """Return siren's, whose first layer this is."""
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
        if self.hidden == "uniform":
            narrower = 1.0 / math.sqrt(6.0)
            weights[1:-1] = [weight * narrower for weight in weights[1:-1]]
        weights[-1] = uniform(size.layers[-1], size.width**-0.75, generator)
        return sine_network(size, weights, biases)

    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:
        """Return SIREN's learning-rate scales."""
        return siren_rules(network.size, omega, self.hidden_omega)
