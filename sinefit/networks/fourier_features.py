"""Random Fourier features, under rectified linear units or hyperbolic tangents."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

from sinefit.networks.draws import normal, zeros
from sinefit.networks.perceptron import Perceptron
from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from sinefit.networks.size import NetworkSize


FREQUENCIES: Final = "frequencies"
"""Name of the drawn frequencies B (rows, in), which are not trained."""


@dataclass(frozen=True)
class FourierFeatures(Perceptron):
    """Layers on [sin 2 pi B x, cos 2 pi B x], x in [0, 1], and a logistic function at the end.

    Its values lie between the least and the largest of the signal's range.
    """

    start: ClassVar[str] = "B ~ N(0, s²), not trained; Glorot: W ~ N(0, 2/(fan_in+fan_out)), b = 0"
    usual_rate: ClassVar[float] = 1e-3
    rate_source: ClassVar[str] = "the paper's images"
    kept_values: ClassVar[int] = 3

    s: float = field(
        default=10.0,
        metadata={
            "help": "standard deviation of the frequencies, in waves over the domain; 10 in the "
            "paper's images of 512 pixels",
            "above": 0.0,
        },
    )
    rows: int = field(
        default=256,
        metadata={
            "help": "how many frequencies, a sine and a cosine of each; 256 in the paper",
            "minimum": 1,
            "maximum": 2**16,
        },
    )

    def shapes(self, size: NetworkSize) -> Mapping[str, tuple[int, ...]]:
        """Return the shapes of the layers' weights and biases, and of the frequencies."""
        return {**super().shapes(size), FREQUENCIES: (self.rows, size.in_features)}

    def frozen(self, size: NetworkSize) -> frozenset[str]:
        """Return the frequencies' name."""
        del size
        return frozenset({FREQUENCIES})

    def feature_count(self, in_features: int) -> int:
        """Return two per row, whatever the coordinates."""
        del in_features
        return 2 * self.rows

    def features(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> Tensor:
        """Return sines and cosines (members, count, 2 rows)."""
        import torch

        places = (coordinates + 1.0) * 0.5  # in [0, 1]
        phases = 2.0 * math.pi * (places @ parameters[FREQUENCIES].mT)  # (members, count, rows)
        return torch.cat([phases.sin(), phases.cos()], dim=-1)

    def finish(self, outputs: Tensor) -> Tensor:
        """Return 2 sigmoid(z) - 1: a field's values are in [-1, 1], the paper's in [0, 1]."""
        return 2.0 * outputs.sigmoid() - 1.0

    def draw(
        self,
        size: NetworkSize,
        shape: tuple[int, ...],  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Mapping[str, Tensor]:
        """Draw the frequencies, and weights by Glorot's rule."""
        found = {FREQUENCIES: normal((self.rows, size.in_features), self.s, generator)}
        for layer, (fan_out, fan_in) in enumerate(self.layers(size)):
            std = math.sqrt(2.0 / (fan_in + fan_out))
            found[weight_name(layer)] = normal((fan_out, fan_in), std, generator)
            found[bias_name(layer)] = zeros((fan_out,))
        return found


@dataclass(frozen=True)
class Ffn(FourierFeatures):
    """Rectified linear units on Fourier features."""

    name: ClassVar[str] = "ffn"
    formula: ClassVar[str] = (
        "h ← max(0, W h + b) on [sin 2π B x, cos 2π B x], x in [0, 1]; sigmoid at the end"
    )
    advice: ClassVar[str] = "Fast to begin with; s decides its detail, and is to be searched for."
    reference: ClassVar[str] = (
        "Tancik, Srinivasan, Mildenhall, Fridovich-Keil, Raghavan, Singhal, Ramamoorthi, Barron, "
        "Ng (2020), Fourier Features Let Networks Learn High Frequency Functions in Low "
        "Dimensional Domains, NeurIPS, sections 5 and 6"
    )

    def activation(self, phase: Tensor) -> Tensor:
        """Return the phase where it is above 0, else 0."""
        return phase.relu()


@dataclass(frozen=True)
class TanhFf(FourierFeatures):
    """Hyperbolic tangents on Fourier features."""

    name: ClassVar[str] = "tanh-ff"
    formula: ClassVar[str] = (
        "h ← tanh(W h + b) on [sin 2π B x, cos 2π B x], x in [0, 1]; sigmoid at the end"
    )
    advice: ClassVar[str] = "Like ffn, but smooth, so that it has derivatives of every order."
    reference: ClassVar[str] = (
        "The features of Tancik et al. (2020), NeurIPS, section 5, under tanh; Glorot, Bengio "
        "(2010), Understanding the Difficulty of Training Deep Feedforward Neural Networks, "
        "AISTATS, equation 12, for the weights"
    )

    def activation(self, phase: Tensor) -> Tensor:
        """Return tanh z."""
        return phase.tanh()
