"""The plane of c_w and c_b: what deep layers tend to, and where a network's layers lie in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.theory.passes import layers_of
from sinefit.theory.variance_map import fixed_point, jacobian_gain, variance_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.networks.network import Network


@dataclass(frozen=True)
class LayerConstants:
    """What the variance map takes of a layer, measured on its weights."""

    c_w: float
    """√(3 fan_in E[W²]): the bound of uniform weights in units of 1/√fan_in."""
    c_b: float
    """√E[b²]."""


@dataclass(frozen=True)
class Plane:
    """Both fixed points over the plane."""

    c_w: tuple[float, ...]
    """Columns."""
    c_b: tuple[float, ...]
    """Rows."""
    sigma_a: tuple[tuple[float, ...], ...]
    """Standard deviation of the pre-activations that deep layers tend to, row by row."""
    sigma_g: tuple[tuple[float, ...], ...]
    """Factor per layer on the standard deviation of Jacobian entries there, row by row."""


def layer_constants(network: Network) -> tuple[LayerConstants, ...]:
    """Measure the constants of every layer of a stack of one, first layer first."""
    found = []
    for layer in layers_of(network):
        fan_in = layer.weight.shape[1]
        mean_square = float(layer.weight.double().square().mean())
        bias_square = float(layer.bias.double().square().mean())
        found.append(LayerConstants(math.sqrt(3.0 * fan_in * mean_square), math.sqrt(bias_square)))
    return tuple(found)


def hidden_constants(network: Network) -> LayerConstants:
    """Return the constants over the hidden layers, those of the last layer where there are none.

    The second sine layer, which some schemes draw otherwise, counts only where it is all there is.
    """
    constants = layer_constants(network)
    hidden = constants[2:-1] or constants[1:-1] or constants[-1:]
    return LayerConstants(
        math.sqrt(sum(each.c_w**2 for each in hidden) / len(hidden)),
        math.sqrt(sum(each.c_b**2 for each in hidden) / len(hidden)),
    )


def plane(c_w: Sequence[float], c_b: Sequence[float]) -> Plane:
    """Return both fixed points for every pair of constants."""
    variances = [[fixed_point(column, row * row) for column in c_w] for row in c_b]
    return Plane(
        tuple(c_w),
        tuple(c_b),
        tuple(tuple(math.sqrt(value) for value in row) for row in variances),
        tuple(
            tuple(
                math.sqrt(jacobian_gain(column, value))
                for column, value in zip(c_w, row, strict=True)
            )
            for row in variances
        ),
    )


@dataclass(frozen=True)
class PredictedLayer:
    """What the variance map says of a layer."""

    variance: float
    """Of the pre-activations."""
    gain: float
    """Factor on the variance of Jacobian entries, from the layer before."""
    jacobian_variance: float
    """Of the entries of the Jacobian by the coordinates."""


def predict_layers(
    constants: Sequence[LayerConstants], first_variance: float, first_jacobian_variance: float
) -> tuple[PredictedLayer, ...]:
    """Carry variances from the first layer, where they are measured, through all others.

    Each layer has its own constants. The first layer's gain is c_w²/3, the mean square weight times
    fan_in.
    """
    found = [PredictedLayer(first_variance, constants[0].c_w ** 2 / 3.0, first_jacobian_variance)]
    for layer in constants[1:]:
        before = found[-1]
        gain = jacobian_gain(layer.c_w, before.variance)
        found.append(
            PredictedLayer(
                variance_map(before.variance, layer.c_w, layer.c_b**2),
                gain,
                before.jacobian_variance * gain,
            )
        )
    return tuple(found)
