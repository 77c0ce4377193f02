"""BACON: a multiplicative network whose layers have bands, and values, of their own."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sinefit.networks.draws import uniform
from sinefit.networks.family import Published
from sinefit.networks.layers import affine, layer_shapes
from sinefit.networks.multiplicative import filter_name, wave
from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import torch
    from torch import Tensor

    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Bacon(Published):
    """z1 = g1(x), z <- (W z + b) * g(x), g(x) = sin(w x + phi) with frequencies w that are kept.

    They lie on the lattice pi Z, so that all is periodic with the domain [-1, 1], and each of
    `size.depth` filters has an equal share of the band: layer k holds none above k shares. Every
    layer has values of its own, which training all holds against the signal; the last are the
    field's.
    """

    name: ClassVar[str] = "bacon"
    formula: ClassVar[str] = (
        "z1 = g1(x), z ← (W z + b) * g(x); g(x) = sin(w x + φ), w on πZ and not trained; a linear "
        "output of every layer, the last is the field"
    )
    start: ClassVar[str] = (
        "w uniform on the multiples of π up to band π n/(2 L) for n samples and L filters, "
        "φ ~ U(±π); W ~ U(±√(6/N)), b ~ U(±1/√N)"
    )
    advice: ClassVar[str] = (
        "Its spectrum ends where band says, whatever it was fitted to; periodic at its edges."
    )
    reference: ClassVar[str] = (
        "Lindell, Van Veen, Park, Wetzstein (2022), BACON: Band-limited Coordinate Networks for "
        "Multiscale Scene Representation, CVPR, section 3; the authors' code, on [-1/2, 1/2]"
    )
    usual_rate: ClassVar[float] = 5e-3
    rate_source: ClassVar[str] = "the paper's images"
    kept_values: ClassVar[int] = 4

    band: float = field(
        default=1.0,
        metadata={
            "help": "highest frequency along each axis as a share of Nyquist's; 1 in the paper",
            "above": 0.0,
        },
    )

    def shapes(self, size: NetworkSize) -> Mapping[str, tuple[int, ...]]:
        """Return the shapes of linear maps, outputs and filters."""
        found = layer_shapes([(size.width, size.width)] * (size.depth - 1))
        for number in _with_output(size.depth):
            found[f"outputs.{number}.weight"] = (size.out_features, size.width)
            found[f"outputs.{number}.bias"] = (size.out_features,)
        for number in range(size.depth):
            found[filter_name(number, "weight")] = (size.width, size.in_features)
            found[filter_name(number, "bias")] = (size.width,)
        return found

    def frozen(self, size: NetworkSize) -> frozenset[str]:
        """Return the names of the filters' frequencies; their phases are trained."""
        return frozenset(filter_name(number, "weight") for number in range(size.depth))

    def forward(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> Tensor:
        """Map coordinates (members, count, in) to the last layer's values (members, count, out)."""
        *_, (number, last) = self._layers(parameters, coordinates)
        return _output(parameters, number, last)

    def outputs(self, parameters: Mapping[str, Tensor], coordinates: Tensor) -> tuple[Tensor, ...]:
        """Return the values of every layer but the first, or of a single one."""
        layers = list(self._layers(parameters, coordinates))
        return tuple(
            _output(parameters, number, hidden)
            for number, hidden in layers
            if number in _with_output(len(layers))
        )

    @staticmethod
    def _layers(
        parameters: Mapping[str, Tensor], coordinates: Tensor
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield the number of each layer and what comes out of it (members, count, width)."""
        hidden = wave(parameters, 0, coordinates)
        yield 0, hidden
        number = 1
        while filter_name(number, "bias") in parameters:
            hidden = affine(parameters, number - 1, hidden) * wave(parameters, number, coordinates)
            yield number, hidden
            number += 1

    def draw(
        self, size: NetworkSize, shape: tuple[int, ...], generator: torch.Generator
    ) -> Mapping[str, Tensor]:
        """Draw frequencies up to a share of what the samples along each axis hold."""
        import torch

        spread = 1.0 / math.sqrt(size.width)
        found: dict[str, Tensor] = {}
        for layer in range(size.depth - 1):
            found[weight_name(layer)] = _linear((size.width, size.width), generator)
            found[bias_name(layer)] = uniform((size.width,), spread, generator)
        for number in _with_output(size.depth):
            found[f"outputs.{number}.weight"] = _linear((size.out_features, size.width), generator)
            found[f"outputs.{number}.bias"] = uniform((size.out_features,), spread, generator)
        for number in range(size.depth):
            columns = []
            for samples in shape:
                most = max(1, round(self.band * samples / (2 * size.depth)))
                columns.append(torch.randint(-most, most + 1, (size.width,), generator=generator))
            weight = math.pi * torch.stack(columns, dim=1).float()
            found[filter_name(number, "weight")] = weight
            found[filter_name(number, "bias")] = uniform((size.width,), math.pi, generator)
        return found


def _with_output(depth: int) -> range:
    """Return the numbers of the layers that have values, as in the authors' code."""
    return range(min(1, depth - 1), depth)


def _output(parameters: Mapping[str, Tensor], number: int, hidden: Tensor) -> Tensor:
    weight, bias = (parameters[f"outputs.{number}.{part}"] for part in ("weight", "bias"))
    return bias[:, None].baddbmm(hidden, weight.mT)


def _linear(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    return uniform(shape, math.sqrt(6.0 / shape[1]), generator)
