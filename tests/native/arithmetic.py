"""Random networks and their gradients in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.size import NetworkSize

Layers = list[list[torch.Tensor]]
"""Weights and biases, or their gradients, layer by layer."""


def draw_layers(size: NetworkSize, count: int, seed: int) -> tuple[Layers, list[Tensor]]:
    """Weights and biases as a sine network starts, and a batch of coordinates and targets."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator) * 2 - 1

    weights = []
    for layer, (fan_out, fan_in) in enumerate(size.layers):
        scale = 10.0 if layer == 0 else (6 / fan_in) ** 0.5
        weights.append(uniform(fan_out, fan_in) * scale)
    biases = [uniform(fan_out) for fan_out, _ in size.layers]
    # Targets far from the outputs: a loss near zero would be all rounding.
    return [weights, biases], [
        uniform(count, size.in_features),
        uniform(count, size.out_features) + 3,
    ]


def reference(layers: Layers, batch: list[Tensor]) -> tuple[float, Layers, Tensor]:
    """The mean squared error, its gradients, and the outputs."""
    weights, biases = ([part.double().requires_grad_() for part in kind] for kind in layers)
    hidden, targets = (part.double() for part in batch)
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        hidden = hidden @ weight.T + bias
        if layer < len(weights) - 1:
            hidden = torch.sin(hidden)
    loss = (hidden - targets).square().mean()
    gradients = [
        list(torch.autograd.grad(loss, kind, retain_graph=True)) for kind in (weights, biases)
    ]
    return float(loss.detach()), gradients, hidden.detach()


def relative_error(actual: Tensor, expected: Tensor) -> float:
    return float((actual - expected).norm() / expected.norm())
