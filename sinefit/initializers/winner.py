"""SIREN with normal noise on its first two layers, as loud as the signal's spectrum asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.initializers.base import Initializer, Start
from sinefit.initializers.draws import normal
from sinefit.initializers.siren import siren_layers, siren_rules

if TYPE_CHECKING:
    import torch

    from sinefit.initializers.base import SignalTraits
    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Winner(Initializer):
    """WINNER (Chandravamsi et al. 2025): noise that follows the signal's spectral centroid.

    The paper has noise scales for images and for sounds; videos and arrays use those of images,
    which is a choice made here.
    """

    name: ClassVar[str] = "winner"
    formula: ClassVar[str] = (
        "siren + N(0, S0²) on W1 and N(0, S1²) on W2; image S0 = 50(1-exp(-5ψ/C)), S1 = 0.4ψ/C; "
        "audio S0 = 3500(1-exp(-7ψ/C)), S1 = 3ψ/C"
    )
    advice: ClassVar[str] = "For sounds and other signals whose energy lies at high frequencies."
    reference: ClassVar[str] = (
        "Chandravamsi, Shenoy, Zinn, Chen, Pisnoy, Frankel (2025), Spectral Bottleneck in "
        "Sinusoidal Representation Networks: Noise is All You Need, arXiv:2509.09719"
    )
    hidden_rate: ClassVar[float] = 0.009

    hidden_omega: float = field(
        default=30.0,
        metadata={
            "help": "siren's factor inside each hidden sine, for biases, learning rates and the "
            "last layer",
            "above": 0.0,
        },
    )

    def omega_for(self, frequency: float, size: NetworkSize) -> float:  # noqa: ARG002
        """Return the paper's 30 whatever the frequency: it is the noise that follows the signal."""
        return 30.0

    def draw(
        self,
        size: NetworkSize,
        omega: tuple[float, ...],
        traits: SignalTraits,
        generator: torch.Generator,
    ) -> Start:
        """Draw starting weights in effective form, with SIREN's learning-rate scales."""
        weights, biases = siren_layers(size, omega, self.hidden_omega, generator)
        first_std, second_std = noise_scales(traits)
        weights[0] = weights[0] + normal(size.layers[0], first_std, generator)
        if size.depth > 1:
            weights[1] = weights[1] + normal(size.layers[1], second_std, generator)
        return Start(tuple(weights), tuple(biases), siren_rules(size, omega, self.hidden_omega))


def noise_scales(traits: SignalTraits) -> tuple[float, float]:
    """Return S0 and S1, the noise's standard deviations on the effective weights of two layers.

    The spectral centroid is in cycles per sample, so S0 is at most 50, for sounds 3500, in radians
    per unit of a coordinate.
    """
    centroid = traits.spectral_centroid / traits.channels
    if traits.kind == "audio":
        return -3500.0 * math.expm1(-7.0 * centroid), 3.0 * centroid
    return -50.0 * math.expm1(-5.0 * centroid), 0.4 * centroid
