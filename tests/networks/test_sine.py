from __future__ import annotations

import numpy as np
import pytest
import torch

from sinefit.errors import SettingError
from sinefit.networks.sine import SineNetwork
from sinefit.networks.size import NetworkSize

SIZES = [
    NetworkSize(1, 3, 1, 1),
    NetworkSize(2, 17, 3, 4),
    NetworkSize(3, 33, 2, 2),
]


def draw(size: NetworkSize, seed: int = 0) -> SineNetwork:
    generator = torch.Generator().manual_seed(seed)
    weights = [torch.randn(shape, generator=generator) for shape in size.layers]
    biases = [torch.randn(shape[0], generator=generator) for shape in size.layers]
    return SineNetwork(weights, biases)


@pytest.mark.parametrize("size", SIZES)
def test_it_is_sines_of_affine_maps_and_a_linear_layer(size: NetworkSize) -> None:
    network = draw(size)
    coordinates = np.random.default_rng(1).uniform(-1, 1, (13, size.in_features))
    expected = coordinates
    layers = list(zip(network.weights, network.biases, strict=True))
    for weight, bias in layers[:-1]:
        W, b = weight.detach().double().numpy(), bias.detach().double().numpy()
        expected = np.sin(np.einsum("oi,ni->no", W, expected) + b)
    W, b = (part.detach().double().numpy() for part in layers[-1])
    expected = np.einsum("oi,ni->no", W, expected) + b
    actual = network(torch.tensor(coordinates, dtype=torch.float32))
    assert actual.shape == (13, size.out_features)
    # Rounding in float32 (6e-8 of sums of up to 33 terms of size 1) grows by a small factor in
    # each of three layers.
    np.testing.assert_allclose(actual.detach().numpy(), expected, atol=2e-4)


@pytest.mark.parametrize("size", SIZES)
def test_its_size_is_that_of_its_parameters(size: NetworkSize) -> None:
    network = draw(size)
    assert network.size == size
    assert sum(parameter.numel() for parameter in network.parameters()) == size.parameter_count
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_weights_that_form_no_network_are_refused() -> None:
    with pytest.raises(SettingError, match="at least two layers"):
        SineNetwork([torch.zeros(3, 2)], [torch.zeros(3)])
    with pytest.raises(SettingError, match="do not form a network"):
        SineNetwork([torch.zeros(3, 2), torch.zeros(1, 4)], [torch.zeros(3), torch.zeros(1)])
