"""SIREN with normal noise on its first two layers, as loud as the signal's spectrum asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.initializers.base import Initializer
from sinefit.initializers.draws import sine_network
from sinefit.initializers.siren import siren_layers, siren_rules
from sinefit.networks.draws import normal

if TYPE_CHECKING:
    import torch

    from sinefit.initializers.base import SignalTraits, TrainingRules
    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Winner(Initializer):
    """WINNER (Chandravamsi et al. 2025): noise that follows the signal's spectral centroid.

    The noise scales are those of the authors' code, for sounds and for images. Here a signal with
    one coordinate takes those of sounds, any other those of images, which is a choice where the
    authors are silent.
    """

    name: ClassVar[str] = "winner"
    formula: ClassVar[str] = (
        "siren + N(0, S0²) on W1 and N(0, S1²) on W2; x = 2ψ/C², ψ the spectral centroid, C the "
        "channels; d = 1: S0 = 3500(1-exp(-7x)), S1 = 3x; else S0 = 50(1-exp(-5x)), S1 = 0.4x"
    )
    advice: ClassVar[str] = "For sounds and other signals whose energy lies at high frequencies."
    reference: ClassVar[str] = (
        "Chandravamsi, Shenoy, Zinn, Chen, Pisnoy, Frankel (2025), Spectral Bottleneck in "
        "Sinusoidal Representation Networks: Noise is All You Need, arXiv:2509.09719; the authors' "
        "code"
    )
    hidden_rate: ClassVar[float] = 0.009
    reads_spectrum: ClassVar[bool] = True

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
    ) -> Network:
        """Draw starting weights in effective form."""
        weights, biases = siren_layers(size, omega, self.hidden_omega, generator)
        first_std, second_std = noise_scales(traits)
        weights[0] = weights[0] + normal(size.layers[0], first_std, generator)
        if size.depth > 1:
            weights[1] = weights[1] + normal(size.layers[1], second_std, generator)
        return sine_network(size, weights, biases)

    def rules(self, network: Network, omega: tuple[float, ...]) -> TrainingRules:
        """Return SIREN's learning-rate scales."""
        return siren_rules(network.size, omega, self.hidden_omega)


def noise_scales(traits: SignalTraits) -> tuple[float, float]:
    """Return S0 and S1, the noise's standard deviations on the effective weights of two layers.

    The authors' code takes the centroid as a share of the Nyquist frequency, 0 to 1, and divides it
    by the number of channels twice. S0 is below 50, with one coordinate below 3500, in radians per
    unit of a coordinate.
    """
    share = 2.0 * traits.spectral_centroid / traits.channels**2
    if len(traits.shape) == 1:
        return -3500.0 * math.expm1(-7.0 * share), 3.0 * share
    return -50.0 * math.expm1(-5.0 * share), 0.4 * share
