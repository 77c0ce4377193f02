from __future__ import annotations

import math

import pytest
import torch

from sinefit.networks.network import Network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize

SIZE = NetworkSize(2, 5, 3, 2)


def draw(members: int = 2, seed: int = 0) -> Network:
    generator = torch.Generator().manual_seed(seed)
    return Network.of(
        SINE,
        SIZE,
        {
            name: torch.randn((members, *shape), generator=generator)
            for name, shape in SINE.shapes(SIZE).items()
        },
    )


def test_parameters_are_views_that_cover_every_value_once() -> None:
    network = draw()
    network.values.zero_()
    for name, shape in SINE.shapes(SIZE).items():
        view = network.parameters[name]
        assert view.shape == (2, *shape)
        view.add_(1.0)
    assert torch.equal(network.values, torch.ones_like(network.values))
    assert network.values.shape == (2, SIZE.parameter_count)


def test_a_member_shares_its_memory_and_a_clone_does_not() -> None:
    network = draw()
    member, clone = network.member(1), network.clone()
    member.parameters["layers.1.weight"].fill_(7.0)
    assert bool((network.parameters["layers.1.weight"][1] == 7.0).all())
    assert not bool((network.parameters["layers.1.weight"][0] == 7.0).any())
    assert not bool((clone.parameters["layers.1.weight"] == 7.0).any())


def test_every_member_sees_its_own_coordinates() -> None:
    networks = [draw(1, seed) for seed in range(3)]
    stack = Network.stack(networks)
    assert stack.members == 3
    coordinates = torch.rand(3, 11, 2)
    outputs = stack(coordinates)
    assert outputs.shape == (3, 11, 2)
    for place, network in enumerate(networks):
        alone = network(coordinates[place : place + 1])
        torch.testing.assert_close(outputs[place], alone[0], rtol=1e-5, atol=1e-5)


def test_moving_to_where_it_is_changes_nothing() -> None:
    network = draw()
    assert network.to("cpu") is network


def test_other_parameters_are_refused() -> None:
    parameters = dict(draw().parameters)
    with pytest.raises(ValueError, match=r"layers\.1\.weight is"):
        Network.of(SINE, SIZE, parameters | {"layers.1.weight": torch.zeros(2, 5, 4)})
    del parameters["layers.1.weight"]
    with pytest.raises(ValueError, match="wanted parameters"):
        Network.of(SINE, SIZE, parameters)
    with pytest.raises(ValueError, match="wanted rows of"):
        Network(SINE, SIZE, torch.zeros(1, 3))
    with pytest.raises(ValueError, match="one family and size"):
        Network.stack([draw(), Network(SINE, NetworkSize(1, 1, 1, 1), torch.zeros(1, 4))])


def test_shapes_count_all_values() -> None:
    for size in (NetworkSize(1, 3, 1, 1), NetworkSize(2, 17, 3, 4)):
        count = sum(math.prod(shape) for shape in SINE.shapes(size).values())
        assert count == size.parameter_count
