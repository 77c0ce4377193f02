"""Layers of a network by their numbers: shapes, the usual draws, and the affine map of a stack."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from sinefit.networks.draws import uniform
from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from torch import Tensor


FAINTEST: Final = -60.0
"""Exponent below which an envelope counts as this faint: e^-60 is nothing beside float32's other
values, but what is much smaller is no normal number, which takes processors many times as long."""


def layer_shapes(layers: Sequence[tuple[int, int]]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of weights and biases by name, of layers (fan_out, fan_in) from the first.

    The layers are numbered from 0.
    """
    found: dict[str, tuple[int, ...]] = {}
    for layer, (fan_out, fan_in) in enumerate(layers):
        found[weight_name(layer)] = (fan_out, fan_in)
        found[bias_name(layer)] = (fan_out,)
    return found


def torch_default(
    layers: Sequence[tuple[int, int]], generator: torch.Generator
) -> dict[str, Tensor]:
    """Draw weights and biases of layers (fan_out, fan_in) from U(±1/√fan_in), as torch does."""
    found: dict[str, Tensor] = {}
    for layer, (fan_out, fan_in) in enumerate(layers):
        bound = 1.0 / math.sqrt(fan_in)
        found[weight_name(layer)] = uniform((fan_out, fan_in), bound, generator)
        found[bias_name(layer)] = uniform((fan_out,), bound, generator)
    return found


def layer_count(parameters: Mapping[str, Tensor]) -> int:
    """Return how many layers there are."""
    return sum(name.startswith("layers.") and name.endswith(".bias") for name in parameters)


def affine(parameters: Mapping[str, Tensor], layer: int, inputs: Tensor) -> Tensor:
    """Return W x + b of a layer, (members, count, fan_out), for inputs (members, count, fan_in)."""
    weight, bias = parameters[weight_name(layer)], parameters[bias_name(layer)]
    return bias[:, None].baddbmm(inputs, weight.mT)
