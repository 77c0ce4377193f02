from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinefit.signals.video.frame_rate import (
    STANDARD_RATES,
    find_rate,
    nearest_frames,
    simplest_between,
    typical_rate,
)


def rounded_times(rate: Fraction, count: int, time_base: Fraction) -> list[int]:
    return [round(k / rate / time_base) for k in range(count)]


@pytest.mark.parametrize("rate", STANDARD_RATES)
@pytest.mark.parametrize("count", [1, 2, 3, 100])
def test_standard_rates_survive_milliseconds(rate: Fraction, count: int) -> None:
    base = Fraction(1, 1000)
    times = rounded_times(rate, count, base)
    claimed = round(float(rate), 2)
    assert find_rate(times, base, [claimed], round(1 / rate / base)) == rate


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 7), st.integers(3, 50))
def test_exact_steps_give_the_exact_rate(numerator: int, denominator: int, count: int) -> None:
    rate = Fraction(numerator, denominator)
    base = 1 / (Fraction(10000) * rate.numerator)
    times = [k * 10000 * rate.denominator for k in range(count)]
    assert find_rate(times, base, [], 1) == rate


@pytest.mark.parametrize("rate", [Fraction(100, 3), Fraction(25), Fraction(50), Fraction(100, 7)])
def test_equal_steps_of_hundredths_are_exact(rate: Fraction) -> None:
    base = Fraction(1, 100)
    assert find_rate(rounded_times(rate, 9, base), base, [], 0) == rate


def test_hundredths_of_a_second_still_show_thirty_frames() -> None:
    base = Fraction(1, 100)
    assert find_rate(rounded_times(Fraction(30), 12, base), base, [30.56, 29.83], 3) == 30


def test_irregular_times_have_no_constant_rate() -> None:
    assert find_rate([0, 40, 80, 200, 240], Fraction(1, 1000), [25.0], 40) is None
    assert find_rate([0, 40, 40, 80], Fraction(1, 1000), [25.0], 40) is None


def test_slow_drift_is_not_constant() -> None:
    times = [k * 40 for k in range(50)] + [2000 + k * 41 for k in range(50)]
    assert find_rate(times, Fraction(1, 1000), [25.0], 40) is None


def test_irregular_times_take_the_usual_step() -> None:
    assert typical_rate([0, 40, 80, 200, 240], Fraction(1, 1000), [16.67, 25.0]) == 25


def test_frames_are_repeated_where_the_file_pauses() -> None:
    shown = nearest_frames([0, 40, 80, 200, 240], Fraction(1, 1000), Fraction(25))
    assert shown == [0, 1, 2, 2, 2, 3, 4]


@settings(deadline=None)
@given(
    st.fractions(Fraction(1, 50), 50, max_denominator=60),
    st.fractions(Fraction(0), 5, max_denominator=60),
)
def test_simplest_fraction_has_the_smallest_denominator(low: Fraction, width: Fraction) -> None:
    high = low + width
    found = simplest_between(low, high)
    assert low <= found <= high
    for denominator in range(1, found.denominator):
        # The least multiple of 1/denominator from `low` on must lie beyond `high`.
        least = Fraction(-(-low.numerator * denominator // low.denominator), denominator)
        assert least > high
