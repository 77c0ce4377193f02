"""Singular values of the Jacobians that run through a whole sine network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sinefit.theory.passes import backward, forward, layers_of

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.network import Network


@torch.no_grad()
def output_singular_values(network: Network, coordinates: Tensor) -> Tensor:
    """Return those of the outputs by the coordinates, largest first: (batch, min(out, in)).

    `network` is a stack of one, `coordinates` are (batch, in).
    """
    found: Tensor = torch.linalg.svdvals(output_jacobian(network, coordinates))
    return found


@torch.no_grad()
def output_jacobian(network: Network, coordinates: Tensor) -> Tensor:
    """Return the derivatives of the outputs by the coordinates (batch, out, in)."""
    layers = layers_of(network, coordinates.dtype)
    values = forward(layers, coordinates)
    rows = []
    for output in range(network.size.out_features):
        seed = torch.zeros_like(values[-1])
        seed[:, output] = 1.0
        rows.append(backward(layers, values, seed)[0] @ layers[0].weight)
    return torch.stack(rows, dim=1)


@torch.no_grad()
def hidden_singular_values(network: Network, coordinates: Tensor) -> Tensor:
    """Return those from the first to the last sine layer's pre-activations: (batch, width).

    It is the Jacobian that gradients pass on their way through the hidden layers; the mean of the
    squares is the product of the layers' gains. All are 1 of a network with a single sine layer.
    """
    layers = layers_of(network, coordinates.dtype)
    values = forward(layers, coordinates)
    found = []
    for sample in range(len(coordinates)):
        product = torch.eye(network.size.width, dtype=coordinates.dtype)
        for layer, below in zip(layers[1:-1], values, strict=False):
            product = layer.weight @ (torch.cos(below[sample])[:, None] * product)
        found.append(torch.linalg.svdvals(product))
    return torch.stack(found)
