"""The variances of the theory, measured on a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.network import Network


@dataclass(frozen=True)
class LayerStatistics:
    """Pre-activations z and Jacobians of one layer, over all its neurons and the coordinates."""

    layer: int
    """Number of the layer from 0; the linear one is last."""
    mean: float
    """Mean of the pre-activations."""
    variance: float
    """Variance of the pre-activations, sigma_a² of the theory."""
    jacobian_variance: float
    """Mean square of the entries of dz/dx, x the coordinates."""
    jacobian_gain: float
    """fan_in times the mean square entry of the Jacobian from the layer before, dz/dz_before.

    It is sigma_g² of the theory. In the first layer, whose layer before is the coordinates, it is
    fan_in times the mean square weight.
    """


@torch.no_grad()
def measure_layers(network: Network, coordinates: Tensor) -> list[LayerStatistics]:
    """Measure every layer of a sine network, a stack of one, on coordinates (batch, in_features).

    The Jacobians are carried along in the forward pass, which takes in_features + 1 times the
    memory of the largest layer's pre-activations.
    """
    axes = coordinates.shape[1]
    hidden = coordinates  # (batch, fan_in)
    slope = torch.ones_like(hidden)  # (batch, fan_in), cos of the pre-activations before
    tangents = torch.eye(axes).to(hidden).expand(len(hidden), axes, axes)  # (batch, axes, fan_in)
    found = []
    for layer in range(network.size.depth + 1):
        weight = network.parameters[weight_name(layer)][0]
        bias = network.parameters[bias_name(layer)][0]
        column_squares = weight.double().square().mean(dim=0)  # (fan_in,)
        gain = torch.dot(column_squares, slope.double().square().mean(dim=0))
        z = torch.addmm(bias, hidden, weight.T)  # (batch, fan_out)
        tangents = (tangents * slope[:, None, :]) @ weight.T  # (batch, axes, fan_out)
        found.append(
            LayerStatistics(
                layer=layer,
                mean=float(z.double().mean()),
                variance=float(z.double().var(correction=0)),
                jacobian_variance=float(tangents.double().square().mean()),
                jacobian_gain=float(gain),
            )
        )
        hidden, slope = torch.sin(z), torch.cos(z)
    return found
