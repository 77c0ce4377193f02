from __future__ import annotations

import pytest

from sinefit.comparing.budgets import EqualBudget, network_weights, step_operations
from sinefit.comparing.combinations import combinations
from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget
from tests.fitting.making import picture

SPEC = picture((40, 30), 3).spec


def test_operations_are_six_per_product_of_a_weight_and_a_sample() -> None:
    """A multiplication and an addition each, forwards and for both gradients."""
    (one,) = combinations({"width": 16, "depth": 3, "batch": 100})
    # 2 coordinates, three sine layers of 16, 3 channels; and a bias for each neuron.
    products = 2 * 16 + 2 * 16 * 16 + 16 * 3
    assert network_weights(one.config, SPEC) == products + 3 * 16 + 3
    assert step_operations(one.config, SPEC) == 6 * products * 100
    assert EqualBudget(operations=6e2 * products * 50).of(one.config, SPEC) == Budget(steps=50)


def test_complex_products_are_four_real_ones() -> None:
    """Of a width that is cut by the root of two, and a first layer that is real."""
    (one,) = combinations({"network": "wire", "width": 32, "depth": 3, "batch": 1})
    width = 22
    complex_products = 2 * width * width
    last = 2 * width * 3  # whose imaginary part nobody asks for
    assert step_operations(one.config, SPEC) == 6 * (2 * width + 4 * complex_products + last)


def test_equal_operations_are_fewer_steps_of_a_larger_network() -> None:
    small, large = combinations({"width": [16, 64], "depth": 3, "batch": 64})
    budget = EqualBudget(operations=1e9)
    spent = []
    for one in (small, large):
        steps = budget.of(one.config, SPEC).steps
        assert steps is not None
        spent.append(steps * step_operations(one.config, SPEC))
    assert spent == pytest.approx([1e9, 1e9], rel=0.01)


def test_steps_and_time_are_the_same_for_all() -> None:
    (one,) = combinations({})
    assert EqualBudget(steps=7).of(one.config, SPEC) == Budget(steps=7)
    assert EqualBudget(max_time=2.5).of(one.config, SPEC) == Budget(max_time=2.5)
    assert EqualBudget().of(one.config, SPEC) == Budget(steps=2000)
    assert [EqualBudget(*given).words for given in ((), (5,), (None, 2.0), (None, None, 1e13))] == [
        "2000 steps",
        "5 steps",
        "2 s of training",
        "1e+13 operations",
    ]


@pytest.mark.parametrize(
    "given", [{"steps": 5, "max_time": 1.0}, {"operations": 1e9, "steps": 3}, {"steps": -1}]
)
def test_there_is_one_budget(given: dict[str, float]) -> None:
    with pytest.raises(SettingError):
        EqualBudget(**given)  # type: ignore[arg-type]
