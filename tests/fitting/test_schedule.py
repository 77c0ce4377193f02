from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.fitting.schedule import WARM_UP, cosine_factor, restarting_progress

shares = st.floats(0, 1)


def test_the_rate_begins_and_ends_at_zero() -> None:
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
        assert restarting_progress(step, first_cycle) == (cycle, position / length)
        position += 1
