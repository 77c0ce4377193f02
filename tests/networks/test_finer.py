from __future__ import annotations

import math

import numpy as np
import torch

from sinefit.networks.finer import Finer
from sinefit.networks.size import NetworkSize

from .making import drawn, numbers, points, values_at

SIZE = NetworkSize(2, 7, 3, 2)


def test_it_is_sines_of_variable_frequency() -> None:
    family = Finer(omega=3.0)
    network = drawn(family, SIZE)
    hidden = points(2)
    for layer in range(3):
        z = hidden @ numbers(network, f"layers.{layer}.weight").T
        z += numbers(network, f"layers.{layer}.bias")
        hidden = np.sin(3.0 * (np.abs(z) + 1.0) * z)
    W, b = numbers(network, "layers.3.weight"), numbers(network, "layers.3.bias")
    np.testing.assert_allclose(values_at(network, points(2)), hidden @ W.T + b, atol=1e-12)


def test_training_takes_no_gradient_through_its_factor() -> None:
    """Of sin(w (|z| + 1) z), z = W x + b, the derivative by b is cos(...) times the factor."""
    network = drawn(Finer(omega=5.0), NetworkSize(1, 3, 1, 1))
    family, coordinates = network.family, torch.tensor([[[0.3]]])
    bias = network.parameters["layers.0.bias"].requires_grad_()
    z = (network.parameters["layers.0.weight"] * 0.3)[..., 0] + bias.detach()
    out = network.parameters["layers.1.weight"][0]
    for slope, outputs in (
        (5.0 * (z.abs() + 1.0), family.outputs(network.parameters, coordinates)),
        (5.0 * (2.0 * z.abs() + 1.0), (family.forward(network.parameters, coordinates),)),
    ):
        (gradient,) = torch.autograd.grad(outputs[0].sum(), bias)
        expected = out * slope * torch.cos(5.0 * (z.abs() + 1.0) * z)
        torch.testing.assert_close(gradient, expected)


def test_it_starts_as_siren() -> None:
    size = NetworkSize(2, 512, 3, 4)
    network = drawn(Finer(omega=20.0, first_bias=5.0), size)
    for name, bound in (
        ("layers.0.weight", 1 / 2),
        ("layers.0.bias", 5.0),
        ("layers.1.weight", math.sqrt(6 / 512) / 20.0),
        ("layers.1.bias", 1 / math.sqrt(512)),
        ("layers.3.weight", math.sqrt(6 / 512) / 20.0),
    ):
        values = numbers(network, name)
        assert np.abs(values).max() <= bound
        # A uniform distribution has that deviation; of n values it is found to 1 in sqrt(n).
        error = 4.0 / math.sqrt(values.size)
        np.testing.assert_allclose(values.std(), bound / math.sqrt(3), rtol=error)
    plain = drawn(Finer(), size)
    assert np.abs(numbers(plain, "layers.0.bias")).max() <= 1 / math.sqrt(2)
