"""Sine networks of drawn weights, and their learning-rate scales.

torch is imported inside the functions: the registry of initializers also serves `--help` and
completion, which must not wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from sinefit.networks.network import Network
    from sinefit.networks.size import NetworkSize


def per_axis(omega: tuple[float, ...]) -> Tensor:
    """Return one factor per input axis as a row (in_features,) that scales a matrix's columns."""
    import torch

    return torch.tensor(omega, dtype=torch.float32)


def sine_network(size: NetworkSize, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> Network:
    """Return a sine network of drawn weights (fan_out, fan_in) and biases (fan_out,) by layer."""
    from sinefit.networks.network import Network
    from sinefit.networks.sine import SINE, bias_name, weight_name

    parameters = {weight_name(layer): weight[None] for layer, weight in enumerate(weights)}
    parameters |= {bias_name(layer): bias[None] for layer, bias in enumerate(biases)}
    return Network.of(SINE, size, parameters)


def scales_by_layer(
    scales: Sequence[float], columns: tuple[float, ...] | None = None
) -> dict[str, float | Tensor]:
    """Return learning-rate scales of a sine network by parameter, from one for each layer.

    `columns` holds those of the columns of the first layer's weights; its biases have the layer's.
    """
    import torch

    from sinefit.networks.sine import bias_name, weight_name

    found: dict[str, float | Tensor] = {}
    for layer, scale in enumerate(scales):
        found[weight_name(layer)] = found[bias_name(layer)] = scale
    if columns is not None:
        found[weight_name(0)] = torch.tensor(columns, dtype=torch.float64)
    return found
