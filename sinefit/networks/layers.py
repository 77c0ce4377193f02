"""Layers of a network by their numbers: names, shapes, and the affine map of a stack of members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor


def layer_shapes(layers: Sequence[tuple[int, int]]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of weights and biases by name, of layers (fan_out, fan_in) from the first.

    The layers are numbered from 0.
    """
    found: dict[str, tuple[int, ...]] = {}
    for layer, (fan_out, fan_in) in enumerate(layers):
        found[weight_name(layer)] = (fan_out, fan_in)
        found[bias_name(layer)] = (fan_out,)
    return found


def affine(parameters: Mapping[str, Tensor], layer: int, inputs: Tensor) -> Tensor:
    """Return W x + b of a layer, (members, count, fan_out), for inputs (members, count, fan_in)."""
    weight, bias = parameters[weight_name(layer)], parameters[bias_name(layer)]
    return bias[:, None].baddbmm(inputs, weight.mT)
