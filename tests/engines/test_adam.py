from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sinefit.engines.adam import CONSTANTS, Adam, bounds_of, plain_update, rows_of
from sinefit.networks.network import Network
from sinefit.networks.size import NetworkSize

from .making import random_network

if TYPE_CHECKING:
    from typing import Any

    Values = np.ndarray[Any, np.dtype[np.float64]]

SIZE = NetworkSize(2, 6, 3, 2)
FACTORS = [(0.3, 1.0), (1.0, 0.5), (0.7, 0.0), (0.0, 0.2), (0.5, 1.0)]


class PlainAdam:
    """Adam as its paper writes it, in float64 (Kingma & Ba, 2015)."""

    def __init__(self, value: Values, rate: Values) -> None:
        self.value, self.rate = value, rate
        self.first = np.zeros_like(value)
        self.second = np.zeros_like(value)
        self.count = 0

    def step(self, gradient: Values, factor: float) -> None:
        decay, second_decay, epsilon = CONSTANTS
        self.count += 1
        self.first = decay * self.first + (1 - decay) * gradient
        self.second = second_decay * self.second + (1 - second_decay) * gradient**2
        first = self.first / (1 - decay**self.count)
        second = self.second / (1 - second_decay**self.count)
        self.value = self.value - self.rate * factor * first / (np.sqrt(second) + epsilon)


def draw_rates(network: Network) -> torch.Tensor:
    generator = torch.Generator().manual_seed(9)
    return 0.1 * torch.rand(network.values.shape, generator=generator)


def gradients(network: Network, count: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    scale = torch.tensor([[1e-6], [1e3]])[: network.members]
    shape = network.values.shape
    return [torch.randn(shape, generator=generator) * scale for _ in range(count)]


def test_it_is_adam_with_a_rate_per_weight_and_a_factor_per_member() -> None:
    network = random_network(SIZE, 2)
    rates = draw_rates(network)
    plain = [
        PlainAdam(network.values[place].double().numpy(), rates[place].double().numpy())
        for place in range(2)
    ]
    adam = Adam(network, rates)
    for gradient, factors in zip(gradients(network, 5), FACTORS, strict=True):
        adam.step(gradient, factors)
        for place in range(2):
            plain[place].step(gradient[place].double().numpy(), factors[place])
    for place in range(2):
        np.testing.assert_allclose(
            network.values[place].numpy(), plain[place].value, rtol=1e-5, atol=1e-6
        )


def test_with_gains_it_is_adam_on_the_weights_that_a_scheme_calls_its_own() -> None:
    """Gradients are as small as epsilon, beside which the parametrisation makes a difference."""
    network = random_network(SIZE, 2)
    network = Network(network.family, network.size, network.values.double())
    generator = torch.Generator().manual_seed(5)
    gains = 30.0 * torch.rand(network.values.shape, generator=generator, dtype=torch.float64) + 1.0
    own = torch.nn.Parameter(network.values / gains)
    textbook = torch.optim.Adam([own], lr=1e-4, betas=(0.9, 0.999), eps=1e-8)
    constants = (0.9, 0.999, 1e-8)
    adam = Adam(network, 1e-4 * gains, gains=gains, constants=constants)
    unaware = Adam(random_network(SIZE, 2), (1e-4 * gains).float(), constants=constants)
    for _ in range(20):
        gradient = 1e-8 * torch.randn(gains.shape, generator=generator, dtype=torch.float64)
        own.grad = gradient * gains
        textbook.step()
        unaware.step(gradient.float(), (1.0, 1.0))
        adam.step(gradient, (1.0, 1.0))
    torch.testing.assert_close(network.values, own.detach() * gains, rtol=1e-12, atol=1e-12)
    moved = network.values - random_network(SIZE, 2).values
    assert float((unaware.values - network.values).abs().max()) > 0.1 * float(moved.abs().max())


def test_weights_with_a_rate_of_zero_stay() -> None:
    network = random_network(SIZE)
    before = network.clone()
    rates = rows_of(network, [{"layers.1.weight": 0.1, "layers.0.bias": 0.1}], 0.0)
    adam = Adam(network, rates)
    for gradient in gradients(network, 3):
        adam.step(gradient, [1.0])
    for name, values in network.parameters.items():
        moves = name in ("layers.1.weight", "layers.0.bias")
        assert torch.equal(values, before.parameters[name]) != moves


def test_bounds_hold_from_the_start_and_after_every_step() -> None:
    network = random_network(SIZE)
    bound = torch.tensor([0.05, 0.1, 0.2, 0.3, 0.5, 10.0])  # of the columns of a matrix (6, 6)
    weights = network.parameters["layers.1.weight"][0]
    adam = Adam(
        network,
        torch.full_like(network.values, 0.5),
        bounds_of(network, [{"layers.1.weight": bound}]),
    )
    assert bool((weights.abs() <= bound).all())
    for gradient in gradients(network, 5):
        adam.step(gradient, [1.0])
        assert bool((weights.abs() <= bound).all())
    assert bool((weights.abs() == bound)[:, :3].any())
    assert float(weights[:, 5].abs().max()) > 0.5  # the wide bound leaves them free
    assert float(network.parameters["layers.2.weight"].abs().max()) > 0.5


def test_a_state_that_is_put_back_goes_on_the_same_way() -> None:
    network = random_network(SIZE, 2)
    rates = draw_rates(network)
    adam = Adam(network, rates)
    drawn = gradients(network, 5)
    for gradient, factors in zip(drawn[:3], FACTORS, strict=False):
        adam.step(gradient, factors)
    # The two change their places.
    again = Network.stack([network.member(1), network.member(0)])
    other = Adam(again, rates.flip(0))
    for place in range(2):
        other.restore(range(place, place + 1), adam.state(range(1 - place, 2 - place)))
    for gradient in drawn[3:]:
        adam.step(gradient, (0.5, 0.25))
        other.step(gradient.flip(0), (0.25, 0.5))
    assert torch.equal(again.values, network.values.flip(0))
    assert other.steps.tolist() == [5, 5]


def test_members_that_are_chosen_go_on_as_they_would_have() -> None:
    whole = random_network(SIZE, 2)
    rates = draw_rates(whole)
    adam = Adam(whole, rates)
    first, *others = gradients(whole, 3)
    adam.step(first, (1.0, 0.5))
    adam.restart([1], 0.25)
    chosen = whole.chosen([1])
    alone = adam.chosen([1], chosen).part(range(1), rates[1:])
    for gradient in others:
        alone.step(gradient[1:].clone(), (0.5,))
        adam.step(gradient, (1.0, 0.5))
    assert torch.equal(chosen.values, whole.values[1:])
    assert alone.steps.tolist() == [3]


def test_a_part_shares_its_memory_and_leaves_the_others_as_they_are() -> None:
    whole, parted = random_network(SIZE, 3), random_network(SIZE, 3)
    rates, bounds = draw_rates(whole), torch.full_like(whole.values, 0.9)
    expected, adam = Adam(whole, rates, bounds), Adam(parted, rates, bounds)
    part = adam.part(range(1, 3))
    before = parted.values[0].clone()
    generator = torch.Generator().manual_seed(4)
    drawn = [torch.randn(whole.values.shape, generator=generator) for _ in range(6)]
    for gradient in drawn[:3]:
        expected.step(gradient, (0.0, 0.5, 1.0))
        part.step(gradient[1:], (0.5, 1.0))
    assert torch.equal(parted.values[1:], whole.values[1:])
    assert torch.equal(parted.values[0], before)
    assert adam.steps.tolist() == [0, 3, 3]
    # The whole goes on where the part has stopped, each member by its own count of steps.
    lone = Adam(random_network(SIZE, 3), rates, bounds)
    for gradient in drawn[3:]:
        expected.step(gradient, (0.0, 0.5, 1.0))
        adam.step(gradient, (0.25, 0.5, 1.0))
        lone.step(gradient, (0.25, 0.5, 1.0))
    assert torch.equal(parted.values[1:], whole.values[1:])
    assert torch.equal(parted.values[0], lone.values[0])
    assert adam.steps.tolist() == [3, 6, 6]


def test_the_state_of_some_members_is_theirs_alone() -> None:
    network = random_network(SIZE, 4)
    adam = Adam(network, draw_rates(network))
    adam.part(range(2)).step(torch.ones_like(network.values[:2]), (1.0, 1.0))
    state = adam.state(range(1, 3))
    assert state["adam.steps"].tolist() == [1, 0]
    again = Adam(random_network(SIZE, 4), draw_rates(network))
    again.restore(range(1, 3), state)
    assert again.steps.tolist() == [0, 1, 0, 0]
    for mine, theirs in zip(again.averages, adam.averages, strict=True):
        assert torch.equal(mine[1:3], theirs[1:3])
        assert not bool(mine[[0, 3]].any())
    adam.steps[1] = 9  # the state keeps what was
    assert state["adam.steps"].tolist() == [1, 0]


def test_a_member_that_restarts_begins_anew_at_a_share_of_its_rates() -> None:
    network = random_network(SIZE, 2)
    rates = draw_rates(network)
    adam = Adam(network, rates.clone())
    drawn = gradients(network, 5)
    adam.step(drawn[0], (1.0, 1.0))
    adam.restart([1], 0.5)
    # The paper's formulas, with averages from 0 but the count of steps that there have been.
    plain = PlainAdam(network.values[1].double().numpy(), 0.5 * rates[1].double().numpy())
    plain.count = 1
    before = Adam(random_network(SIZE, 2), rates)
    before.step(drawn[0], (1.0, 1.0))
    state = adam.state(range(2))
    for gradient in drawn[1:]:
        adam.step(gradient, (1.0, 0.5))
        before.step(gradient, (1.0, 0.5))
        plain.step(gradient[1].double().numpy(), 0.5)
    np.testing.assert_allclose(network.values[1].numpy(), plain.value, rtol=1e-5, atol=1e-6)
    assert torch.equal(network.values[0], before.values[0])
    # The share of the rates is part of the state.
    restored = Adam(random_network(SIZE, 2), rates.clone())
    restored.restore(range(2), state)
    assert restored.scales.tolist() == [1.0, 0.5]
    restored.restore(range(2), before.state(range(2)))
    assert restored.scales.tolist() == [1.0, 1.0]


def test_a_state_of_another_network_is_refused() -> None:
    adam = Adam(random_network(SIZE), torch.ones_like(random_network(SIZE).values))
    state = adam.state(range(1))
    for name, values in state.items():
        with pytest.raises(ValueError, match="do not fit"):
            adam.restore(range(1), {**state, name: values[1:]})
        with pytest.raises(KeyError):
            adam.restore(range(1), {kept: state[kept] for kept in state if kept != name})
    with pytest.raises(ValueError, match="do not fit"):
        adam.restore(range(1), {**state, "adam.steps": torch.tensor([-1])})


def test_a_diverging_weight_is_seen_through_its_bound() -> None:
    values, rates = torch.ones(1, 1), torch.ones(1, 1)
    averages = torch.zeros(1, 1), torch.zeros(1, 1)
    pace = torch.ones(2, 1, 1)
    plain_update(
        values, torch.full((1, 1), math.nan), averages, rates, torch.ones(1, 1), pace, CONSTANTS
    )
    assert bool(values.isnan())
