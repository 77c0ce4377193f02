from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sinefit.engines.adam import CONSTANTS, Adam, bounds_of, rows_of
from sinefit.engines.objective import Batch, MeanSquaredError
from sinefit.engines.reference import ReferenceEngine
from sinefit.fitting.rates import (
    FIRST_LAYER_RATE,
    LAST_LAYER_RATE,
    RISE,
    EqualRates,
    PeakRates,
    layer_rates,
)
from sinefit.initializers.base import SignalTraits, TrainingRules
from sinefit.initializers.draws import scales_by_layer
from sinefit.initializers.registry import INITIALIZERS, parse_initializer
from sinefit.networks.network import Network
from sinefit.networks.size import NetworkSize

if TYPE_CHECKING:
    from torch import Tensor

SIZE = NetworkSize(2, 16, 3, 1)


def rates_of(rules: TrainingRules, learning_rate: float | None = None) -> PeakRates:
    """The rates of a usual fit of a network of `SIZE`."""
    return PeakRates(learning_rate, 0.012, rules, SIZE.depth, SIZE.width, 3000, 4096)


def scaled(*scales: float, columns: tuple[float, ...] | None = None) -> TrainingRules:
    return TrainingRules(scales_by_layer(scales, columns))


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


@pytest.mark.parametrize("learning_rate", [None, 1e-3])
@pytest.mark.parametrize("name", INITIALIZERS)
def test_every_parameter_of_a_recipe_has_its_rate(name: str, learning_rate: float | None) -> None:
    recipe, omega = parse_initializer(name), (20.0, 40.0)
    generator = torch.Generator().manual_seed(0)
    network = recipe.draw(SIZE, omega, SignalTraits((40, 30), 1), generator)
    rules = recipe.rules(network, omega)
    rates = rates_of(rules, learning_rate)
    assert rates.by_name.keys() == network.parameters.keys()
    row = network.views(rows_of(network, [rates.by_name], math.nan))
    for parameter, values in row.items():
        assert bool((values > 0).all()) == (parameter not in rules.frozen)
        assert bool((values >= 0).all())


@pytest.mark.parametrize("learning_rate", [None, 1e-3])
def test_a_layer_s_rate_is_that_of_its_weights_and_biases(learning_rate: float | None) -> None:
    scales = (30.0, 20.0, 10.0, 1.0)
    rates = rates_of(scaled(*scales), learning_rate)
    expected = layer_rates(learning_rate, 0.012, scales, SIZE.width, 3000, 4096)
    assert rates.by_layer == expected
    for layer, rate in enumerate(expected):
        assert rates.by_name[f"layers.{layer}.weight"] == rate
        assert rates.by_name[f"layers.{layer}.bias"] == rate


@pytest.mark.parametrize("learning_rate", [None, 1e-3])
def test_a_column_learns_as_its_layer_would_with_the_column_s_scale(
    learning_rate: float | None,
) -> None:
    rates = rates_of(scaled(1.0, 30.0, 30.0, 1.0, columns=(1.0, 100.0)), learning_rate)
    columns = torch.as_tensor(rates.by_name["layers.0.weight"]).tolist()
    for scale, rate in zip((1.0, 100.0), columns, strict=True):
        alone = rates_of(scaled(scale, 30.0, 30.0, 1.0), learning_rate)
        assert rate == alone.by_layer[0] == alone.by_name["layers.0.weight"]
    assert columns[0] < columns[1]
    # The biases, and what is told of the layer, have its own scale.
    mean = rates_of(scaled(1.0, 30.0, 30.0, 1.0), learning_rate)
    assert rates.by_name["layers.0.bias"] == rates.by_layer[0] == mean.by_layer[0]


def test_without_a_rate_every_column_keeps_to_the_highest_of_the_first_layer() -> None:
    rates = rates_of(scaled(3.0, 30.0, 30.0, 1.0, columns=(1.0, 1000.0)))
    slow, fast = torch.as_tensor(rates.by_name["layers.0.weight"]).tolist()
    assert slow < rates.by_layer[0] < fast == FIRST_LAYER_RATE


def test_what_is_frozen_has_no_rate_even_by_columns() -> None:
    scales = scales_by_layer((1.0,) * 4, (2.0, 3.0))
    rates = rates_of(TrainingRules(scales, frozenset({"layers.0.weight", "layers.2.bias"})), 0.1)
    assert rates.by_name["layers.0.weight"] == rates.by_name["layers.2.bias"] == 0.0
    assert rates.by_name["layers.0.bias"] == rates.by_name["layers.2.weight"] == 0.1


@pytest.mark.parametrize("scales", [(1.0,) * 4, (120.0, 30.0, 30.0, 1.0), (1e4, 1.0, 1.0, 5.0)])
def test_the_base_rate_is_the_highest_at_which_no_layer_learns_faster(
    scales: tuple[float, ...],
) -> None:
    rates = rates_of(scaled(*scales))
    asked = rates_of(scaled(*scales), rates.base)
    shares = [new / old for new, old in zip(asked.by_layer, rates.by_layer, strict=True)]
    assert max(shares) == pytest.approx(1.0)


def test_networks_of_papers_have_one_rate_but_for_what_is_frozen() -> None:
    rates = EqualRates(0.3, TrainingRules({"a": 1.0, "b": 1.0}, frozenset({"b"})))
    assert rates.by_name == {"a": 0.3, "b": 0.0}
    assert (rates.by_layer, rates.base) == ((0.3,), 0.3)


@pytest.mark.parametrize("frozen", [True, False])
def test_bounds_on_frozen_weights_hold_too(frozen: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    recipe = parse_initializer("torch")
    network = recipe.draw(SIZE, (1.0, 1.0), SignalTraits((40, 30), 1), generator)
    name, limit = "layers.1.weight", torch.full((16,), 0.1)
    rules = TrainingRules(
        scales_by_layer((1.0,) * 4), frozenset({name} if frozen else ()), {name: limit}
    )
    rates = rows_of(network, [rates_of(rules, 0.5).by_name], 0.0)
    adam = Adam(network, rates, bounds_of(network, [rules.bounds]))
    clamped = network.parameters[name].clone()
    assert float(clamped.abs().max()) == pytest.approx(0.1)
    adam.step(torch.randn(network.values.shape, generator=generator), [1.0])
    assert torch.equal(network.parameters[name], clamped) == frozen
    assert float(network.parameters[name].abs().max()) == pytest.approx(0.1)


class Steep:
    """The squared error of outputs and targets that are 1e5 times as large.

    Adam's epsilon is the one thing that does not scale with the gradient.
    """

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return 1e10 * MeanSquaredError().loss(outputs, batch)

    def derivative(self, outputs: Tensor, batch: Batch) -> Tensor:
        return 1e10 * MeanSquaredError().derivative(outputs, batch)


@pytest.mark.parametrize("omega", [(30.0, 30.0), (60.0, 15.0), (3.0, 200.0)])
def test_it_trains_as_adam_does_with_the_factors_inside_the_sines(
    omega: tuple[float, float],
) -> None:
    size = NetworkSize(2, 12, 3, 1)
    recipe = parse_initializer("siren")
    generator = torch.Generator().manual_seed(4)
    start = recipe.draw(size, omega, SignalTraits((24, 20), 1), generator)
    rules = recipe.rules(start, omega)
    rates = PeakRates(1e-3, recipe.hidden_rate, rules, size.depth, size.width, 100, 40)
    network = Network(start.family, size, start.values.double())
    adam = Adam(network, rows_of(network, [rates.by_name], 0.0))
    engine = ReferenceEngine(network, Steep())

    first = torch.tensor(omega, dtype=torch.float64)
    mean = math.sqrt(omega[0] * omega[1])
    factors = {"layers.0.weight": first, "layers.0.bias": torch.tensor(mean, dtype=torch.float64)}
    for layer, factor in ((1, 30.0), (2, 30.0), (3, 1.0)):
        for kind in ("weight", "bias"):
            factors[f"layers.{layer}.{kind}"] = torch.tensor(factor, dtype=torch.float64)
    native = {
        name: torch.nn.Parameter(values[0] / factors[name])
        for name, values in network.parameters.items()
    }
    decay, second_decay, epsilon = CONSTANTS
    native_adam = torch.optim.Adam(
        native.values(), lr=1e-3, betas=(decay, second_decay), eps=epsilon
    )
    generator = torch.Generator().manual_seed(9)
    for _ in range(100):
        x = torch.rand((40, 2), generator=generator, dtype=torch.float64) * 2 - 1
        target = torch.sin(7 * x[:, :1]) * x[:, 1:]
        phases = (x * first) @ native["layers.0.weight"].T + mean * native["layers.0.bias"]
        hidden = torch.sin(phases)
        for layer in (1, 2):
            weight, bias = native[f"layers.{layer}.weight"], native[f"layers.{layer}.bias"]
            hidden = torch.sin(30.0 * (hidden @ weight.T + bias))
        outputs = hidden @ native["layers.3.weight"].T + native["layers.3.bias"]
        native_adam.zero_grad()
        (1e5 * (outputs - target)).square().mean().backward()  # type: ignore[no-untyped-call]
        native_adam.step()
        engine.step(Batch(x[None], target[None]))
        adam.step(engine.gradient, [1.0])
    assert float((network.values - start.values).abs().max()) > 0.5
    for name, values in network.parameters.items():
        expected = native[name].detach() * factors[name]
        torch.testing.assert_close(values[0], expected, rtol=1e-9, atol=1e-9)
