from __future__ import annotations

import math

import torch

from sinefit.networks.size import NetworkSize
from sinefit.theory.passes import layers_of
from sinefit.theory.singular_values import (
    hidden_singular_values,
    output_jacobian,
    output_singular_values,
)

from .making import drawn, line, tiny


def test_the_jacobian_of_the_outputs_is_that_of_autograd() -> None:
    network = tiny(NetworkSize(3, 6, 3, 2))
    x = torch.rand((5, 3), dtype=torch.float64)
    expected = torch.stack(
        [torch.func.jacrev(lambda one: network(one[None, None])[0, 0])(sample) for sample in x]
    )
    torch.testing.assert_close(output_jacobian(network, x), expected)
    found = output_singular_values(network, x)
    assert found.shape == (5, 2)
    torch.testing.assert_close(found, torch.linalg.svdvals(expected))


def test_the_hidden_jacobian_is_that_of_autograd() -> None:
    network = tiny(NetworkSize(1, 6, 4, 1))
    x = line(3)
    layers = layers_of(network)

    def through(z: torch.Tensor) -> torch.Tensor:
        for layer in layers[1:-1]:
            z = layer.weight @ torch.sin(z) + layer.bias
        return z

    for sample, found in zip(x, hidden_singular_values(network, x), strict=True):
        first = layers[0].weight @ sample + layers[0].bias
        jacobian = torch.func.jacrev(through)(first)
        torch.testing.assert_close(found, torch.linalg.svdvals(jacobian))


def test_of_a_single_sine_layer_all_are_one() -> None:
    found = hidden_singular_values(tiny(NetworkSize(1, 6, 1, 1)), line(2))
    torch.testing.assert_close(found, torch.ones_like(found))


def test_their_mean_square_is_the_product_of_the_gains() -> None:
    # A gain is N Var(W) E[cos²]: of the first layer's loud phases E[cos²] = 1/2.
    network = drawn("lambert:sigma_a=1", width=512, depth=3, omega=400.0)
    found = hidden_singular_values(network, line(6)).square().mean()
    c_w2 = 6 / (1 + math.exp(-2))
    second = c_w2 / 6  # variance of pre-activations after the first layer
    bias = 1 - math.tanh(1)
    gain = c_w2 / 6 * (1 + math.exp(-2 * (second + bias)))
    assert abs(found / (c_w2 / 6 * gain) - 1) < 0.05
