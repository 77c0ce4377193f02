"""What passes through a sine network: values forwards, derivatives of its outputs backwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from sinefit.networks.sine import bias_name, weight_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from sinefit.networks.network import Network


@dataclass(frozen=True)
class Layer:
    """One layer of a sine network."""

    weight: Tensor
    """(fan_out, fan_in)."""
    bias: Tensor
    """(fan_out,)."""


def layers_of(network: Network, dtype: torch.dtype | None = None) -> list[Layer]:
    """Return the layers of a stack of one, first layer first, the linear one last."""
    found = []
    for layer in range(network.size.depth + 1):
        weight = network.parameters[weight_name(layer)][0].detach().cpu()
        bias = network.parameters[bias_name(layer)][0].detach().cpu()
        found.append(Layer(weight.to(dtype or weight.dtype), bias.to(dtype or bias.dtype)))
    return found


@torch.no_grad()
def forward(layers: Sequence[Layer], coordinates: Tensor) -> list[Tensor]:
    """Return the pre-activations (batch, fan_out) of every layer at coordinates (batch, in)."""
    found: list[Tensor] = []
    hidden = coordinates
    for layer in layers:
        found.append(torch.addmm(layer.bias, hidden, layer.weight.T))
        hidden = torch.sin(found[-1])
    return found


@torch.no_grad()
def backward(
    layers: Sequence[Layer], pre_activations: Sequence[Tensor], seed: Tensor
) -> list[Tensor]:
    """Return the derivatives (batch, fan_out) by the pre-activations of every layer.

    They are those of a function of the outputs whose own derivatives are `seed` (batch, out).
    """
    found = [seed]
    for layer, below in zip(reversed(layers), reversed(pre_activations[:-1]), strict=False):
        found.append(found[-1] @ layer.weight * torch.cos(below))
    return found[::-1]
