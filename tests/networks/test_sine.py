from __future__ import annotations

import numpy as np
import pytest
import torch

from sinefit.networks.network import Network
from sinefit.networks.sine import SINE, bias_name, weight_name
from sinefit.networks.size import NetworkSize

SIZES = [
    NetworkSize(1, 3, 1, 1),
    NetworkSize(2, 17, 3, 4),
    NetworkSize(3, 33, 2, 2),
]


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_sines_of_affine_maps_and_a_linear_layer(size: NetworkSize, members: int) -> None:
    generator = torch.Generator().manual_seed(0)
    network = Network(SINE, size, torch.randn((members, size.parameter_count), generator=generator))
    coordinates = np.random.default_rng(1).uniform(-1, 1, (members, 13, size.in_features))
    hidden = coordinates
    for layer in range(size.depth + 1):
        W = network.parameters[weight_name(layer)].double().numpy()
        b = network.parameters[bias_name(layer)].double().numpy()
        hidden = np.einsum("moi,mni->mno", W, hidden) + b[:, None]
        hidden = np.sin(hidden) if layer < size.depth else hidden
    actual = network(torch.tensor(coordinates, dtype=torch.float32))
    assert actual.shape == (members, 13, size.out_features)
    # Rounding in float32 (6e-8 of sums of up to 33 terms of size 1) grows by a small factor in
    # each of three layers.
    np.testing.assert_allclose(actual.numpy(), hidden, atol=2e-4)


@pytest.mark.parametrize("size", SIZES)
def test_its_parameters_are_those_of_its_layers(size: NetworkSize) -> None:
    shapes = SINE.shapes(size)
    assert len(shapes) == 2 * len(size.layers)
    for layer, (fan_out, fan_in) in enumerate(size.layers):
        assert shapes[weight_name(layer)] == (fan_out, fan_in)
        assert shapes[bias_name(layer)] == (fan_out,)


@pytest.mark.parametrize("size", SIZES)
def test_hidden_weights_and_sums_over_samples_each_lie_in_one_stretch(size: NetworkSize) -> None:
    """Engines multiply and convert the one, and add up the other, in single operations."""
    names = list(SINE.shapes(size))
    last = size.depth
    hidden = [weight_name(layer) for layer in range(1, last)]
    sums = [bias_name(layer) for layer in range(last)]
    assert names == [*hidden, *sums, weight_name(0), weight_name(last), bias_name(last)]
