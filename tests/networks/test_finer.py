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


def test_its_factor_has_no_gradient() -> None:
    z = torch.tensor([[[0.3, -0.7]]], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(Finer(omega=5.0).activation(z).sum(), z)
    factor = 5.0 * (z.detach().abs() + 1.0)
    torch.testing.assert_close(slope, factor * torch.cos(factor * z.detach()))


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
