from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sinefit.fitting.optimizer import (
    BETAS,
    EPSILON,
    FIRST_LAYER_RATE,
    LAST_LAYER_RATE,
    RISE,
    RuledAdam,
    layer_rates,
)
from sinefit.initializers.base import TrainingRules
from sinefit.networks.size import NetworkSize

from .making import random_network

if TYPE_CHECKING:
    from sinefit.networks.sine import SineNetwork

    from .making import Values

SIZE = NetworkSize(2, 6, 3, 2)
RATES = (3e-2, 1e-2, 2e-3, 5e-4)
RULES = TrainingRules(learning_rate_scales=(1.0,) * 4)


class PlainAdam:
    """Adam as its paper writes it, in float64 (Kingma & Ba, 2015)."""

    def __init__(self, value: Values, rate: float) -> None:
        self.value = value.astype(np.float64)
        self.rate = rate
        self.first = np.zeros_like(self.value)
        self.second = np.zeros_like(self.value)
        self.count = 0

    def step(self, gradient: Values, factor: float) -> None:
        self.count += 1
        self.first = BETAS[0] * self.first + (1 - BETAS[0]) * gradient
        self.second = BETAS[1] * self.second + (1 - BETAS[1]) * gradient**2
        first = self.first / (1 - BETAS[0] ** self.count)
        second = self.second / (1 - BETAS[1] ** self.count)
        self.value -= self.rate * factor * first / (np.sqrt(second) + EPSILON)


def set_gradients(network: SineNetwork, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator) * 0.1


def test_it_is_adam_with_a_rate_per_layer() -> None:
    network = random_network(SIZE)
    plain = {
        (kind, layer): PlainAdam(part.detach().numpy(), RATES[layer])
        for kind, parts in (("weight", network.weights), ("bias", network.biases))
        for layer, part in enumerate(parts)
    }
    optimizer = RuledAdam(network, RATES, RULES)
    for step, factor in enumerate((0.3, 1.0, 0.7, 0.0, 0.5)):
        set_gradients(network, step)
        for kind, parts in (("weight", network.weights), ("bias", network.biases)):
            for layer, part in enumerate(parts):
                assert part.grad is not None
                plain[kind, layer].step(part.grad.double().numpy(), factor)
        optimizer.step(factor)
    for kind, parts in (("weight", network.weights), ("bias", network.biases)):
        for layer, part in enumerate(parts):
            np.testing.assert_allclose(
                part.detach().numpy(), plain[kind, layer].value, rtol=1e-5, atol=1e-6
            )


def test_frozen_weights_stay_and_their_biases_move() -> None:
    network, before = random_network(SIZE), random_network(SIZE)
    rules = TrainingRules((1.0,) * 4, frozen_weights=frozenset({0, 2}))
    optimizer = RuledAdam(network, RATES, rules)
    for step in range(3):
        set_gradients(network, step)
        optimizer.step(1.0)
    for layer in range(4):
        same = torch.equal(network.weights[layer], before.weights[layer])
        assert same == (layer in (0, 2))
        assert not torch.equal(network.biases[layer], before.biases[layer])


def test_bounded_columns_stay_within_their_bounds() -> None:
    network = random_network(SIZE)
    bounds = torch.tensor([0.05, 0.1, 0.2, 0.3, 0.5, 10.0])
    rules = TrainingRules((1.0,) * 4, frozenset({0}), {1: bounds})
    optimizer = RuledAdam(network, (0.5,) * 4, rules)
    assert bool((network.weights[1].abs() <= bounds).all())
    others = network.weights[2].detach().clone()
    for step in range(5):
        set_gradients(network, step)
        optimizer.step(1.0)
        assert bool((network.weights[1].abs() <= bounds).all())
    assert bool((network.weights[1].abs() == bounds)[:, :3].any())
    # The wide bound and the layers without one leave weights free.
    assert float(network.weights[1].detach()[:, 5].abs().max()) > 0.5
    assert float((network.weights[2].detach() - others).abs().max()) > 0.5


def test_bounds_on_a_frozen_layer_hold_too() -> None:
    network = random_network(SIZE)
    rules = TrainingRules((1.0,) * 4, frozenset({1}), {1: torch.full((6,), 0.1)})
    optimizer = RuledAdam(network, RATES, rules)
    clamped = network.weights[1].detach().clone()
    assert float(clamped.abs().max()) == pytest.approx(0.1)
    set_gradients(network, 0)
    optimizer.step(1.0)
    assert torch.equal(network.weights[1], clamped)


def test_a_rate_that_was_asked_for_is_scaled_and_nothing_else() -> None:
    assert layer_rates(1e-2, 5.0, (120.0, 30.0, 1.0), 256, 3000, 7) == pytest.approx(
        (1.2, 0.3, 0.01)
    )


def test_the_default_rates_follow_the_scales_but_for_the_ends() -> None:
    slow = layer_rates(None, 3e-5, (2.0, 3.0, 6.0, 1.0), 256, 3000, 4096)
    low, high = RISE**-0.5, RISE**0.5
    assert slow == pytest.approx((2e-5, 3e-5 * low, 6e-5 * high, LAST_LAYER_RATE))
    fast = layer_rates(None, 3e-3, (1e6, 3.0, 1.0), 256, 3000, 4096)
    assert fast == pytest.approx((FIRST_LAYER_RATE, 3e-3, LAST_LAYER_RATE))
    assert layer_rates(None, 3e-3, (1e6, 3.0, 1.0), 512, 3000, 4096)[1] == pytest.approx(1.5e-3)
    assert layer_rates(None, 3e-3, (1.0,) * 3, 2, 3000, 4096) == layer_rates(
        None, 3e-3, (1.0,) * 3, 32, 3000, 4096
    )
    for steps, factor in ((3000, 1.0), (12000, 0.5), (10**9, 0.3), (1, 1.5)):
        rate = layer_rates(None, 1e-2, (1.0,) * 3, 256, steps, 4096)[1]
        assert rate == pytest.approx(1e-2 * factor)
    even = layer_rates(None, 1e-2, (1.0,) * 7, 256, 3000, 4096)[1:-1]
    assert even[2] == pytest.approx(1e-2)
    assert even[-1] / even[0] == pytest.approx(RISE)
    assert np.diff(np.log(even)) == pytest.approx(np.full(4, np.log(RISE) / 4))
    assert layer_rates(None, 1e-2, (120.0, 1.0), 256, 3000, 4096) == (
        FIRST_LAYER_RATE,
        LAST_LAYER_RATE,
    )


def test_the_hidden_rate_falls_with_the_root_of_a_small_batch() -> None:
    even = (1.0,) * 4
    rated = layer_rates(None, 1e-2, even, 256, 3000, 4096)
    for batch, factor in ((1, 1 / 64), (64, 1 / 8), (1024, 0.5), (2**20, 1.0)):
        rates = layer_rates(None, 1e-2, even, 256, 3000, batch)
        assert rates[1:-1] == pytest.approx([rate * factor for rate in rated[1:-1]])
        assert rates[-1] == LAST_LAYER_RATE
