"""Rectified linear units, on the coordinates or on their positional encoding."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from sinefit.networks.draws import normal, uniform
from sinefit.networks.perceptron import Perceptron
from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import torch
    from torch import Tensor

    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Relu(Perceptron):
    """h <- max(0, W h + b)."""

    name: ClassVar[str] = "relu"
    formula: ClassVar[str] = "h ← max(0, W h + b)"
    start: ClassVar[str] = "He: W ~ N(0, 2/fan_in); b ~ U(±1/√fan_in)"
    advice: ClassVar[str] = "A negative control: it learns low frequencies and no more."
    reference: ClassVar[str] = (
        "He, Zhang, Ren, Sun (2015), Delving Deep into Rectifiers, ICCV, section 2.2; biases and "
        "size as in the comparisons of SIREN's authors' code"
    )
    usual_rate: ClassVar[float] = 1e-3
    rate_source: ClassVar[str] = "Adam's default, as in most comparisons"
    kept_values: ClassVar[int] = 1

    def activation(self, phase: Tensor) -> Tensor:
        """Return the phase where it is above 0, else 0."""
        return phase.relu()

    def draw(
        self,
        size: NetworkSize,
        shape: tuple[int, ...],  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Mapping[str, Tensor]:
        """Draw weights by He's rule, biases as torch does."""
        found: dict[str, Tensor] = {}
        for layer, (fan_out, fan_in) in enumerate(self.layers(size)):
            found[weight_name(layer)] = normal(
                (fan_out, fan_in), math.sqrt(2.0 / fan_in), generator
            )
            found[bias_name(layer)] = uniform((fan_out,), 1.0 / math.sqrt(fan_in), generator)
        return found


@dataclass(frozen=True)
class ReluPe(Relu):
    """Rectified linear units on [x, sin(2^i pi x), cos(2^i pi x)], i = 0 .. octaves - 1."""

    name: ClassVar[str] = "relu-pe"
    formula: ClassVar[str] = "h ← max(0, W h + b) on [x, sin(2^i π x), cos(2^i π x)], i < octaves"
    advice: ClassVar[str] = "The network of NeRF; its frequencies lie on the axes."
    reference: ClassVar[str] = (
        "Mildenhall, Srinivasan, Tancik, Barron, Ramamoorthi, Ng (2020), NeRF: Representing Scenes "
        "as Neural Radiance Fields for View Synthesis, ECCV, equation 4; octaves as in SIREN's "
        "authors' code"
    )
    rate_source: ClassVar[str] = "WIRE's comparisons, 5e-4 to 1e-3"

    octaves: int = field(
        default=0,
        metadata={
            "help": "octaves of every coordinate; 0 takes floor(log2(n/4)) for n samples along the "
            "longest axis",
            "minimum": 0,
            "maximum": 32,
        },
    )

    def suited(self, shape: tuple[int, ...]) -> Self:
        """Return the same with as many octaves as the signal's samples can tell apart."""
        if self.octaves:
            return self
        return replace(self, octaves=max(1, math.floor(math.log2(max(shape) / 4.0))))

    def feature_count(self, in_features: int) -> int:
        """Return the coordinates themselves, and a sine and a cosine per octave of each."""
        return in_features * (1 + 2 * self.octaves)

    def features(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> Tensor:
        """Return coordinates, sines and cosines (members, count, features)."""
        import torch

        del parameters
        phases = [math.pi * 2.0**octave * coordinates for octave in range(self.octaves)]
        waves = [wave for phase in phases for wave in (phase.sin(), phase.cos())]
        return torch.cat([coordinates, *waves], dim=-1)
