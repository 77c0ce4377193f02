"""Batches and gradients for the tests of engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sinefit.networks.size import NetworkSize

if TYPE_CHECKING:
    from sinefit.networks.sine import SineNetwork

SIZES = [
    (NetworkSize(1, 16, 1, 1), 8),
    (NetworkSize(1, 5, 2, 2), 1),
    (NetworkSize(2, 33, 3, 3), 50),
    (NetworkSize(3, 48, 4, 4), 17),
    (NetworkSize(2, 1, 5, 1), 3),
]


def draw_batch(size: NetworkSize, batch: int, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    coordinates = torch.rand((batch, size.in_features), generator=generator) * 2 - 1
    return coordinates, torch.rand((batch, size.out_features), generator=generator) * 2 - 1


def gradients(network: SineNetwork) -> list[torch.Tensor]:
    found = []
    for parameter in network.parameters():
        assert parameter.grad is not None
        found.append(parameter.grad)
    return found


def reference(
    network: SineNetwork, coordinates: torch.Tensor, targets: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean squared error and its gradients by autograd in float64, in the parameters' order."""
    parts = [part.detach().double().requires_grad_() for part in network.parameters()]
    mine = {id(part): twin for part, twin in zip(network.parameters(), parts, strict=True)}
    hidden = coordinates.double()
    for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        hidden = hidden @ mine[id(weight)].T + mine[id(bias)]
        hidden = torch.sin(hidden) if layer < network.size.depth else hidden
    loss = (hidden - targets).square().mean()
    return float(loss.detach()), list(torch.autograd.grad(loss, parts))


def relative_error(actual: torch.Tensor, expected: torch.Tensor) -> float:
    return float((actual - expected).norm() / expected.norm())
