"""Multiplicative filter networks: products of linear maps with filters of the coordinates."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.networks.draws import gamma, uniform
from sinefit.networks.family import Published
from sinefit.networks.layers import affine, layer_count, layer_shapes, torch_default

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from sinefit.networks.size import NetworkSize


def filter_name(number: int, part: str) -> str:
    """Return the name of a part of a filter; filters are counted from 0."""
    return f"filters.{number}.{part}"


class Multiplicative(Published):
    """z1 = g1(x), z <- (W z + b) * g(x): `size.depth` filters g, a linear map between each two."""

    usual_rate: ClassVar[float] = 1e-2
    rate_source: ClassVar[str] = "the authors' code for images"
    kept_values: ClassVar[int] = 4

    @abstractmethod
    def filter_shapes(self, size: NetworkSize) -> Mapping[str, tuple[int, ...]]:
        """Return the shape of each part of a filter."""

    @abstractmethod
    def filter(self, parameters: Mapping[str, Tensor], number: int, coordinates: Tensor) -> Tensor:
        """Return what a filter makes of coordinates (members, count, in)."""

    def layers(self, size: NetworkSize) -> list[tuple[int, int]]:
        """Return (fan_out, fan_in) of the linear maps, that of the values last."""
        between = [(size.width, size.width)] * (size.depth - 1)
        return [*between, (size.out_features, size.width)]

    def shapes(self, size: NetworkSize) -> Mapping[str, tuple[int, ...]]:
        """Return the shapes of linear maps and filters."""
        parts = self.filter_shapes(size).items()
        filters = {
            filter_name(number, part): shape
            for number in range(size.depth)
            for part, shape in parts
        }
        return {**layer_shapes(self.layers(size)), **filters}

    def forward(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> Tensor:
        """Map coordinates (members, count, in) to values (members, count, out)."""
        hidden = self.filter(parameters, 0, coordinates)
        last = layer_count(parameters) - 1
        for layer in range(last):
            passed = self.filter(parameters, layer + 1, coordinates)
            hidden = affine(parameters, layer, hidden) * passed
        return affine(parameters, last, hidden)


def wave(parameters: Mapping[str, Tensor], number: int, coordinates: Tensor) -> Tensor:
    """Return sin(w x + phi) of a filter, (members, count, width)."""
    weight = parameters[filter_name(number, "weight")]
    phase = parameters[filter_name(number, "bias")]
    return phase[:, None].baddbmm(coordinates, weight.mT).sin()


@dataclass(frozen=True)
class MfnFourier(Multiplicative):
    """A multiplicative network of sines: g(x) = sin(w x + phi)."""

    name: ClassVar[str] = "mfn-fourier"
    formula: ClassVar[str] = (
        "z1 = g1(x), z ← (W z + b) * g(x); g(x) = sin(w x + φ); linear at the end"
    )
    start: ClassVar[str] = "W, b ~ U(±1/√N); w ~ U(±scale/√(L d)), φ ~ U(±π), for L filters"
    advice: ClassVar[str] = "A sum of sines of the coordinates, exponentially many in the depth."
    reference: ClassVar[str] = (
        "Fathony, Sahu, Willmott, Kolter (2021), Multiplicative Filter Networks, ICLR, "
        "equations 5 and 6; the authors' code"
    )

    scale: float = field(
        default=256.0,
        metadata={
            "help": "the bound of all filters' frequencies together, in radians per unit of a "
            "coordinate; 256 for images in the authors' code",
            "above": 0.0,
        },
    )

    def filter_shapes(self, size: NetworkSize) -> Mapping[str, tuple[int, ...]]:
        """Return the shapes of frequencies and phases."""
        return {"weight": (size.width, size.in_features), "bias": (size.width,)}

    def filter(self, parameters: Mapping[str, Tensor], number: int, coordinates: Tensor) -> Tensor:
        """Return sin(w x + phi)."""
        return wave(parameters, number, coordinates)

    def draw(
        self,
        size: NetworkSize,
        shape: tuple[int, ...],  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Mapping[str, Tensor]:
        """Draw linear maps as torch does, and frequencies of which a product has the scale's."""
        found = torch_default(self.layers(size), generator)
        shapes = self.filter_shapes(size)
        bound = self.scale / math.sqrt(size.depth * size.in_features)
        for number in range(size.depth):
            found[filter_name(number, "weight")] = uniform(shapes["weight"], bound, generator)
            found[filter_name(number, "bias")] = uniform(shapes["bias"], math.pi, generator)
        return found


@dataclass(frozen=True)
class MfnGabor(Multiplicative):
    """A multiplicative network of wavelets: g(x) = sin(w x + phi) exp(-gamma/2 |x - mu|^2)."""

    name: ClassVar[str] = "mfn-gabor"
    formula: ClassVar[str] = (
        "z1 = g1(x), z ← (W z + b) * g(x); g(x) = sin(w x + φ) exp(-γ/2 |x - μ|²); "
        "linear at the end"
    )
    start: ClassVar[str] = (
        "W, b ~ U(±1/√N); γ ~ Gamma(6/L, 1), w ~ U(±scale √(γ/(L d))), φ ~ U(±π), μ ~ U(±1), "
        "for L filters"
    )
    advice: ClassVar[str] = "Like mfn-fourier, but every filter has a place of its own."
    reference: ClassVar[str] = (
        "Fathony, Sahu, Willmott, Kolter (2021), Multiplicative Filter Networks, ICLR, "
        "equations 5 and 7; the authors' code"
    )
    kept_values: ClassVar[int] = 7

    scale: float = field(
        default=256.0,
        metadata={
            "help": "the bound of the frequencies of filters of γ = 1 together, in radians per "
            "unit of a coordinate; 256 for images in the authors' code",
            "above": 0.0,
        },
    )

    def filter_shapes(self, size: NetworkSize) -> Mapping[str, tuple[int, ...]]:
        """Return the shapes of frequencies, phases, centres mu and widths gamma."""
        places = (size.width, size.in_features)
        return {"weight": places, "bias": (size.width,), "center": places, "gamma": (size.width,)}

    def filter(self, parameters: Mapping[str, Tensor], number: int, coordinates: Tensor) -> Tensor:
        """Return sin(w x + phi) exp(-gamma/2 |x - mu|^2)."""
        center = parameters[filter_name(number, "center")]
        width = parameters[filter_name(number, "gamma")]
        # |x - mu|^2 as |x|^2 + |mu|^2 - 2 x mu, of which no difference of all pairs is made.
        square = center.square().sum(dim=2)[:, None] - 2.0 * coordinates @ center.mT
        distance = square + coordinates.square().sum(dim=2, keepdim=True)
        envelope = (-0.5 * width[:, None] * distance).exp()
        return wave(parameters, number, coordinates) * envelope

    def draw(
        self,
        size: NetworkSize,
        shape: tuple[int, ...],  # noqa: ARG002 (it does not look at the signal)
        generator: torch.Generator,
    ) -> Mapping[str, Tensor]:
        """Draw linear maps as torch does, and the narrower a filter, the higher its frequencies."""
        found = torch_default(self.layers(size), generator)
        shapes = self.filter_shapes(size)
        bound = self.scale / math.sqrt(size.depth * size.in_features)
        for number in range(size.depth):
            width = gamma(shapes["gamma"], 6.0 / size.depth, generator)
            weight = uniform(shapes["weight"], bound, generator) * width.sqrt()[:, None]
            found[filter_name(number, "weight")] = weight
            found[filter_name(number, "bias")] = uniform(shapes["bias"], math.pi, generator)
            found[filter_name(number, "center")] = uniform(shapes["center"], 1.0, generator)
            found[filter_name(number, "gamma")] = width
        return found
