from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.fitting.schedule import (
    WARM_UP,
    WARM_UP_STEPS,
    cosine_factor,
    progress_within,
    rate_factor,
    restarting_progress,
    steps_to_restart,
)

shares = st.floats(0, 1)


def test_half_a_cosine_begins_and_ends_at_zero() -> None:
    assert cosine_factor(0.0) == 0.0
    assert cosine_factor(WARM_UP) == 1.0
    assert cosine_factor((1 + WARM_UP) / 2) == pytest.approx(0.5)
    assert cosine_factor(1.0) == pytest.approx(0.0, abs=1e-15)


@given(shares, shares)
def test_it_never_jumps(one: float, two: float) -> None:
    steepest = max(1 / WARM_UP, math.pi / 2 / (1 - WARM_UP))
    change = abs(cosine_factor(one) - cosine_factor(two))
    assert change <= steepest * abs(one - two) + 1e-12


@given(shares, shares)
def test_it_rises_and_then_falls(one: float, two: float) -> None:
    early, late = sorted((one, two))
    assert 0.0 <= cosine_factor(early) <= 1.0
    if late <= WARM_UP:
        assert cosine_factor(early) <= cosine_factor(late)
    elif early >= WARM_UP:
        assert cosine_factor(early) >= cosine_factor(late)


@given(st.integers(1, 50))
def test_cycles_double_in_length(first_cycle: int) -> None:
    cycle, position, length = 0, 0, first_cycle
    for step in range(10 * first_cycle):
        if position == length:
            cycle, position, length = cycle + 1, 0, 2 * length
        found = restarting_progress(step, first_cycle)
        assert found == pytest.approx((cycle, (position + 0.5) / length))
        assert steps_to_restart(step, first_cycle) == length - position
        position += 1


@given(st.integers(1, 10**6))
def test_a_step_is_rated_at_its_middle(steps: int) -> None:
    for step in {0, 1, steps // 3, steps - 1} & set(range(steps)):
        middle = (step + 0.5) / steps
        assert progress_within(step / steps, step, steps) == pytest.approx(middle, abs=1e-12)


@given(st.integers(1, 1000), st.floats(1e-6, 1.0), st.integers(1, 1000))
def test_a_step_of_a_budget_in_seconds_is_as_long_as_those_before(
    steps: int, spent: float, expected: int
) -> None:
    """The first is as long as the expected number of them makes it."""
    progress = progress_within(spent, steps, expected)
    assert progress == pytest.approx(min(1.0, spent * (steps + 0.5) / steps))
    assert progress_within(0.0, 0, expected) == pytest.approx(0.5 / expected)


@given(st.integers(1, 300))
def test_every_step_of_a_budget_learns(steps: int) -> None:
    factors = [
        rate_factor("cosine", step, progress_within(step / steps, step, steps))
        for step in range(steps)
    ]
    assert all(0.0 < factor <= 1.0 for factor in factors)
    # The first steps are small ones, however few there are.
    assert all(
        factor <= (step + 0.5) / WARM_UP_STEPS + 1e-12 for step, factor in enumerate(factors)
    )


def test_a_budget_of_many_steps_warms_up_by_its_share() -> None:
    for step in range(5000):
        progress = (step + 0.5) / 5000
        assert rate_factor("cosine", step, progress) == cosine_factor(progress)


@given(st.integers(0, 10**6), st.floats(0.0, 1.0))
def test_a_constant_rate_is_whole_from_the_first_step_to_the_last(
    step: int, progress: float
) -> None:
    assert rate_factor("constant", step, progress) == 1.0
