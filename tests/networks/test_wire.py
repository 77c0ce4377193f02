from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from sinefit.networks.network import Network
from sinefit.networks.size import NetworkSize
from sinefit.networks.wire import Wire

from .making import drawn, numbers, points, values_at

SIZE = NetworkSize(2, 8, 3, 2)


def complex_numbers(network: Network, name: str) -> Any:
    values = numbers(network, name)
    return values[..., 0] + 1j * values[..., 1]


@pytest.mark.parametrize("depth", [1, 3])
def test_it_is_complex_wavelets_of_which_the_real_part_is_left(depth: int) -> None:
    size = NetworkSize(2, 8, depth, 2)
    network = drawn(Wire(omega=3.0, s=2.0), size)
    z = points(2) @ numbers(network, "layers.0.weight").T + numbers(network, "layers.0.bias")
    for layer in range(1, depth + 1):
        hidden = np.exp(3j * z - np.abs(2.0 * z) ** 2)
        weight = complex_numbers(network, f"layers.{layer}.weight")
        z = hidden @ weight.T + complex_numbers(network, f"layers.{layer}.bias")
    np.testing.assert_allclose(values_at(network, points(2)), z.real, atol=1e-12)


def test_its_layers_are_narrower_by_the_root_of_two() -> None:
    shapes = Wire().shapes(NetworkSize(2, 256, 2, 3))
    assert shapes["layers.0.weight"] == (181, 2)
    assert shapes["layers.1.weight"] == (181, 181, 2)
    assert shapes["layers.2.weight"] == (3, 181, 2)
    # So that as many values are trained as in a real network.
    assert Wire().parameter_count(NetworkSize(2, 256, 5, 3)) == pytest.approx(
        NetworkSize(2, 256, 5, 3).parameter_count, rel=0.02
    )


def test_it_starts_as_torch_draws_complex_layers() -> None:
    network = drawn(Wire(), NetworkSize(2, 400, 2, 3))
    width = 282
    torch.manual_seed(0)
    theirs = torch.nn.Linear(width, width, dtype=torch.complex64)
    for name, values in (("weight", theirs.weight), ("bias", theirs.bias)):
        mine = numbers(network, f"layers.1.{name}")
        pair = torch.view_as_real(values.detach()).numpy()
        assert mine.shape == pair.shape
        np.testing.assert_allclose(mine.std(axis=tuple(range(mine.ndim - 1))), pair.std(), rtol=0.1)
        assert np.abs(mine).max() == pytest.approx(1 / math.sqrt(width), rel=0.01)


def test_members_of_an_odd_number_of_values_are_complex_too() -> None:
    networks = [drawn(Wire(), NetworkSize(2, 5, 2, 1), seed) for seed in range(2)]
    assert networks[0].values.shape[1] % 2 == 1
    stack = Network.stack(networks)
    coordinates = torch.rand(2, 4, 2)
    for place, network in enumerate(networks):
        alone = network(coordinates[place : place + 1])
        torch.testing.assert_close(stack(coordinates)[place], alone[0])
