"""The scheme that controls the variance of gradients, with its constants in closed form."""

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
class Lambert(Initializer):
    """Gradients whose variance deep layers keep, at the variance of pre-activations they tend to.

    Both hold in the limit: of a wide network, and of layers deep enough to have reached the fixed
    point. The first hidden layers, which the first layer's large phases feed, are on the way there,
    at `sigma_a = 0` as slowly as 1/depth.

    `sigma_a = 0` is the proposal of Combette et al. (2025). The paper as read here does not state
    the first layer's bias; uniform phases are a choice made here, the others are there to compare.
    """

    name: ClassVar[str] = "lambert"
    formula: ClassVar[str] = (
        "W1 ~ U(±ω/d); hidden and last W ~ U(±c_w/√N), b ~ N(0, c_b²); "
        "c_w = √(6/(1+exp(-2σ²))), c_b² = σ² - tanh σ²"
    )
    advice: ClassVar[str] = (
        "For clean interpolation at higher resolution and for deep networks; its paper takes an "
        "omega near Nyquist, auto about a fifth of that."
    )
    reference: ClassVar[str] = (
        "Combette, Venaille, Pustelnik (2025), A new initialisation to Control Gradients in "
        "Sinusoidal Neural network, arXiv:2512.06427"
    )
    hidden_rate: ClassVar[float] = 0.012

    sigma_a: float = field(
        default=0.0,
        metadata={
            "help": "standard deviation of the pre-activations that deep layers tend to; 0 keeps "
            "frequencies below omega, the paper's proposal",
            "minimum": 0.0,
            "maximum": 100.0,
        },
    )
    first_bias: FirstBias = field(default="phase", metadata=FIRST_BIAS_NOTE)

    def omega_for(self, frequency: float, size: NetworkSize) -> float:
        """Return `frequency` d √3, since U(±omega/d) has standard deviation omega/(d √3)."""
        return frequency * size.in_features * math.sqrt(3.0)

    def paper_omega(self, features: int) -> str:  # noqa: ARG002 (of any it is the same)
        """Return Nyquist's frequency, near which the paper would have it."""
        return "nyquist"

    def draw(
        self,
        size: NetworkSize,
        omega: tuple[float, ...],
        traits: SignalTraits,  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Network:
        """Draw starting weights in effective form."""
        c_w, c_b = lambert_constants(self.sigma_a)
        return draw_controlled(size, omega, c_w, c_b, self.first_bias, generator)

    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:  # noqa: ARG002
        """Return the same rate for every layer."""
        return TrainingRules(scales_by_layer((1.0,) * (network.size.depth + 1)))


def lambert_constants(sigma_a: float) -> tuple[float, float]:
    """Return (c_w, c_b) of a Jacobian gain of 1 at pre-activations of deviation `sigma_a` >= 0.

    They solve the fixed point of the variance map, and (c_w²/6) (1 + exp(-2 sigma_a²)) = 1
    (Combette et al. 2025).
    """
    variance = sigma_a * sigma_a
    c_w = math.sqrt(6.0 / (1.0 + math.exp(-2.0 * variance)))
    if variance < 1e-2:
        # The difference cancels where the variance is small; its series does not.
        c_b2 = variance**3 / 3.0 - 2.0 * variance**5 / 15.0 + 17.0 * variance**7 / 315.0
    else:
        c_b2 = variance - math.tanh(variance)
    return c_w, math.sqrt(c_b2)
