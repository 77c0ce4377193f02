"""The draw that the plane of c_w and c_b is about: one pair of constants for all later layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal

from sinefit.initializers.base import check_omega, mean_omega
from sinefit.initializers.draws import per_axis, sine_network
from sinefit.networks.draws import normal, uniform, zeros

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize

FirstBias = Literal["phase", "siren", "hidden", "zero"]

FIRST_BIAS_NOTE: Final[dict[str, Any]] = {
    "help": "biases of the first layer: uniform phases U(±π) (phase), U(±ω/√d) (siren), "
    "N(0, c_b²) (hidden) or none (zero)"
}
"""What the parameter of that name says of itself."""


def draw_controlled(
    size: NetworkSize,
    omega: tuple[float, ...],
    c_w: float,
    c_b: float,
    first_bias: FirstBias,
    generator: torch.Generator,
) -> Network:
    """Draw W ~ U(±omega/d) in the first layer, U(±c_w/√N) and b ~ N(0, c_b²) in all others."""
    check_omega(omega, size)
    first, *others = size.layers
    weights = [uniform(first, 1.0 / size.in_features, generator) * per_axis(omega)]
    biases = [_first_biases(size, omega, c_b, first_bias, generator)]
    for shape in others:
        weights.append(uniform(shape, c_w / math.sqrt(size.width), generator))
        biases.append(normal(shape[:1], c_b, generator))
    return sine_network(size, weights, biases)


def _first_biases(
    size: NetworkSize,
    omega: tuple[float, ...],
    c_b: float,
    kind: FirstBias,
    generator: torch.Generator,
) -> Tensor:
    shape = (size.width,)
    if kind == "phase":
        return uniform(shape, math.pi, generator)
    if kind == "siren":
        return uniform(shape, mean_omega(omega) / math.sqrt(size.in_features), generator)
    if kind == "hidden":
        return normal(shape, c_b, generator)
    return zeros(shape)
