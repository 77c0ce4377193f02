from __future__ import annotations

import pytest
import torch

from sinefit.fitting.optimizer import RuledAdam
from sinefit.fitting.stack import Stack, StackedAdam
from sinefit.initializers.base import TrainingRules
from sinefit.networks.sine import SineNetwork
from sinefit.networks.size import NetworkSize

from .making import random_network

SIZE = NetworkSize(2, 6, 3, 2)
RATES = [(0.03, 0.01, 0.02, 1e-3), (0.1, 0.2, 0.3, 0.4), (1e-3, 1e-3, 1e-3, 1e-3)]
RULES = [
    TrainingRules((1.0,) * 4),
    TrainingRules((1.0,) * 4, frozenset({0, 2})),
    TrainingRules(
        (1.0,) * 4, column_bounds={0: torch.tensor([0.5, 0.2]), 1: torch.full((6,), 0.3)}
    ),
]
COLUMNS: list[dict[int, tuple[float, ...]]] = [
    {0: (0.3, 0.001)},
    {0: (0.5, 0.6), 1: (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)},
    {},
]
FACTORS = [0.2, 0.7, 1.0]


def networks() -> list[SineNetwork]:
    return [random_network(SIZE, seed) for seed in range(3)]


def same(one: SineNetwork, other: SineNetwork) -> None:
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


class Pair:
    """A stack of networks, and the same networks each with an optimiser of its own."""

    def __init__(self) -> None:
        self.networks, self.twins = networks(), networks()
        self.stack = Stack(self.networks)
        self.adam = StackedAdam(self.stack, RATES, RULES, COLUMNS)
        self.alone = [
            RuledAdam(twin, rates, rules, columns)
            for twin, rates, rules, columns in zip(self.twins, RATES, RULES, COLUMNS, strict=True)
        ]
        self._generator = torch.Generator().manual_seed(5)

    def step(self) -> None:
        """One step of both, with gradients of very different sizes."""
        draws = torch.randn(self.stack.values.shape, generator=self._generator)
        self.stack.gradient.copy_(draws * torch.tensor([[1e-6], [1.0], [1e3]]))
        weights, biases = self.stack.weight_gradients, self.stack.bias_gradients
        for number, (twin, adam) in enumerate(zip(self.twins, self.alone, strict=True)):
            for layer in range(len(weights)):
                twin.weights[layer].grad = weights[layer][number].clone()
                twin.biases[layer].grad = biases[layer][number, 0].clone()
            adam.step(FACTORS[number])
        self.adam.step(FACTORS)


def test_networks_keep_their_weights_in_and_out_of_a_stack() -> None:
    stacked, twins = networks(), networks()
    stack = Stack(stacked)
    for network, twin in zip(stacked, twins, strict=True):
        for mine, theirs in zip(network.parameters(), twin.parameters(), strict=True):
            assert torch.equal(mine, theirs)
            assert mine.is_contiguous()
    stack.values[1] += 1.0
    assert torch.equal(stacked[1].weights[2], twins[1].weights[2] + 1.0)
    assert torch.equal(stacked[0].weights[2], twins[0].weights[2])
    stack.release()
    stack.values.zero_()
    assert torch.equal(stacked[1].biases[3], twins[1].biases[3] + 1.0)


def test_layers_are_views_that_cover_every_value_once() -> None:
    stack = Stack(networks())
    for part in (*stack.weight_gradients, *stack.bias_gradients):
        part.add_(1.0)
    assert torch.equal(stack.gradient, torch.ones(3, SIZE.parameter_count))


def test_steps_are_those_of_adam_alone() -> None:
    pair = Pair()
    for network, twin in zip(pair.networks, pair.twins, strict=True):
        same(network, twin)  # the bounds hold from the start
    for _ in range(20):
        pair.step()
    for network, twin in zip(pair.networks, pair.twins, strict=True):
        same(network, twin)


def test_the_state_is_that_of_adam_alone() -> None:
    pair = Pair()
    for _ in range(7):
        pair.step()
    for number, adam in enumerate(pair.alone):
        mine, theirs = pair.adam.state(number), adam.state()
        assert sorted(mine) == sorted(theirs)
        for name, average in mine.items():
            torch.testing.assert_close(average, theirs[name], rtol=1e-5, atol=0)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_a_state_that_is_put_back_goes_on_the_same_way(order: tuple[int, ...]) -> None:
    pair = Pair()
    for _ in range(7):
        pair.step()
    again = Stack(
        [
            SineNetwork(
                [weight.detach().clone() for weight in pair.networks[number].weights],
                [bias.detach().clone() for bias in pair.networks[number].biases],
            )
            for number in order
        ]
    )
    adam = StackedAdam(
        again,
        [RATES[n] for n in order],
        [RULES[n] for n in order],
        [COLUMNS[n] for n in order],
    )
    for place, number in enumerate(order):
        adam.restore(place, pair.alone[number].state(), 7)
    for _ in range(4):
        pair.step()
        again.gradient.copy_(pair.stack.gradient[list(order)])
        adam.step([FACTORS[number] for number in order])
    for place, number in enumerate(order):
        same(again.networks[place], pair.twins[number])
