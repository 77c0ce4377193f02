from __future__ import annotations

import torch

from sinefit.networks.size import NetworkSize
from sinefit.theory.passes import backward, forward, layers_of

from .making import tiny


def test_values_are_those_of_the_network() -> None:
    network = tiny(NetworkSize(2, 5, 3, 4))
    x = torch.rand((7, 2), dtype=torch.float64)
    torch.testing.assert_close(forward(layers_of(network), x)[-1], network(x[None])[0])


def test_derivatives_are_those_of_autograd() -> None:
    layers = layers_of(tiny(NetworkSize(2, 5, 3, 4)))
    x = torch.rand((7, 2), dtype=torch.float64)
    seed = torch.rand((7, 4), dtype=torch.float64)
    values = forward(layers, x)
    found = backward(layers, values, seed)
    for start in range(len(layers)):
        z = values[start].clone().requires_grad_()
        hidden = z
        for layer in layers[start + 1 :]:
            hidden = torch.sin(hidden) @ layer.weight.T + layer.bias
        (expected,) = torch.autograd.grad((hidden * seed).sum(), z)
        torch.testing.assert_close(found[start], expected)
