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
    column_rates_of,
    layer_rates,
    rates_of,
)
from sinefit.fitting.traits import signal_traits
from sinefit.initializers.base import TrainingRules
from sinefit.networks.sine import SineNetwork
from sinefit.networks.size import NetworkSize

from .making import picture, random_network, settings

if TYPE_CHECKING:
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


def draw_folded(omega: tuple[float, ...]) -> tuple[SineNetwork, RuledAdam]:
    """A siren in effective weights, float64, as a fit trains it at a rate of 1e-3."""
    signal, size = picture((24, 20)), NetworkSize(2, 12, 3, 1)
    config = settings(width=12, depth=3, omega=omega, learning_rate=1e-3)
    generator = torch.Generator().manual_seed(4)
    start = config.initializer.draw(size, omega, signal_traits(signal), generator)
    network = SineNetwork(
        [weight.double() for weight in start.weights], [bias.double() for bias in start.biases]
    )
    rates = rates_of(config, signal.spec, start.rules)
    columns = column_rates_of(config, signal.spec, start.rules)
    return network, RuledAdam(network, rates, start.rules, columns)


@pytest.mark.parametrize("omega", [(30.0, 30.0), (60.0, 15.0), (3.0, 200.0)])
def test_it_trains_as_adam_does_with_the_factors_inside_the_sines(
    omega: tuple[float, float],
) -> None:
    network, adam = draw_folded(omega)
    mean = (omega[0] * omega[1]) ** 0.5
    first = torch.tensor(omega, dtype=torch.float64)
    weight_factors = [first, *[torch.full((), w, dtype=torch.float64) for w in (30.0, 30.0, 1.0)]]
    bias_factors = (mean, 30.0, 30.0, 1.0)
    weights, biases = (
        [
            torch.nn.Parameter(part.detach() / factor)
            for part, factor in zip(parts, factors, strict=True)
        ]
        for parts, factors in ((network.weights, weight_factors), (network.biases, bias_factors))
    )
    native_adam = torch.optim.Adam([*weights, *biases], lr=1e-3, betas=BETAS, eps=EPSILON)
    generator = torch.Generator().manual_seed(9)
    for _ in range(100):
        x = torch.rand((40, 2), generator=generator, dtype=torch.float64) * 2 - 1
        # A steep loss, since Adam's epsilon is the one thing that does not scale.
        target = 1e5 * torch.sin(7 * x[:, :1]) * x[:, 1:]
        hidden = torch.sin((x * first) @ weights[0].T + mean * biases[0])
        for layer in (1, 2):
            hidden = torch.sin(30.0 * (hidden @ weights[layer].T + biases[layer]))
        native_adam.zero_grad()
        (1e5 * (hidden @ weights[3].T + biases[3]) - target).square().mean().backward()
        native_adam.step()
        network.zero_grad()
        (1e5 * network(x) - target).square().mean().backward()
        adam.step(1.0)
    moved = float((network.weights[0] - draw_folded(omega)[0].weights[0]).detach().abs().max())
    assert moved > 0.5
    for parts, natives, factors in (
        (network.weights, weights, weight_factors),
        (network.biases, biases, bias_factors),
    ):
        for part, native, factor in zip(parts, natives, factors, strict=True):
            torch.testing.assert_close(part, native * factor, rtol=1e-9, atol=1e-9)


def test_without_a_rate_every_column_keeps_to_the_highest_of_the_first_layer() -> None:
    config, spec = settings(), picture().spec
    scales = (10.0, 30.0, 1.0)
    rules = TrainingRules(scales, column_scales={0: (1.0, 100.0)})
    slow, fast = column_rates_of(config, spec, rules)[0]
    assert fast == FIRST_LAYER_RATE
    one = TrainingRules((1.0, 30.0, 1.0))
    assert slow == rates_of(config, spec, one)[0]
    assert slow < rates_of(config, spec, rules)[0]


def test_columns_of_frozen_weights_stay() -> None:
    network, before = random_network(SIZE), random_network(SIZE)
    rules = TrainingRules((1.0,) * 4, frozenset({0}), column_scales={0: (2.0, 3.0)})
    optimizer = RuledAdam(network, RATES, rules, {0: (0.1, 0.2)})
    set_gradients(network, 0)
    optimizer.step(1.0)
    assert torch.equal(network.weights[0], before.weights[0])


def test_averages_of_columns_go_on_from_their_state() -> None:
    columns = {0: (0.1, 0.2), 3: tuple(0.01 * number for number in range(1, 7))}
    whole, again = random_network(SIZE), random_network(SIZE)
    first, second = (RuledAdam(network, RATES, RULES, columns) for network in (whole, again))
    for step in range(5):
        set_gradients(whole, step)
        first.step(1.0)
    with torch.no_grad():
        for mine, theirs in zip(again.parameters(), whole.parameters(), strict=True):
            mine.copy_(theirs)
    second.restore({name: part.clone() for name, part in first.state().items()}, 5)
    for step in range(5, 8):
        for network, optimizer in ((whole, first), (again, second)):
            set_gradients(network, step)
            optimizer.step(0.5)
    for mine, theirs in zip(again.parameters(), whole.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    broken = {**first.state(), "adam.0.1.exp_avg": torch.zeros(3)}
    with pytest.raises(ValueError, match="do not fit"):
        second.restore(broken, 8)
