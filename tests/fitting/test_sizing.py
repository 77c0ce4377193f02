from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.fitting.pace import step_law
from sinefit.fitting.sizing import (
    GRAIN,
    NARROWEST,
    REFERENCE_STEPS,
    WEIGHTS_PER_VALUE,
    WIDEST,
    default_width,
    width_in_time,
)
from sinefit.signals.signal import SignalSpec

if TYPE_CHECKING:
    from collections.abc import Callable


def photograph(height: int, width: int) -> SignalSpec:
    return SignalSpec("image", (height, width), 3, "uint8", 0.0, 255.0, "png", 8)


pace = st.floats(1e-9, 10.0)
powers = st.floats(0.5, 2.2)


def step_seconds(each: float, power: float) -> Callable[[int], float]:
    return lambda width: each * width**power


@given(
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.integers(1, 8),
    st.floats(0.01, 1e6),
    pace,
    powers,
)
def test_widths_are_usual_ones_and_say_no_more_than_the_signal(
    height: int, width: int, depth: int, seconds: float, each: float, power: float
) -> None:
    spec = photograph(height, width)
    for chosen in (
        default_width(spec, depth),
        width_in_time(spec, depth, seconds, step_seconds(each, power)),
    ):
        assert chosen % GRAIN == 0
        assert NARROWEST <= chosen <= WIDEST
        if chosen > NARROWEST:
            hidden = max(1, depth - 1) * (chosen - GRAIN / 2) ** 2
            assert hidden <= WEIGHTS_PER_VALUE * height * width * 3


def test_the_width_grows_with_the_sixth_root_of_the_values() -> None:
    one = default_width(photograph(512, 768), 4)
    for times in (2, 3, 4):
        chosen = default_width(photograph(512 * times, 768 * times), 4)
        assert chosen == pytest.approx(one * (times**2) ** (1 / 6), abs=GRAIN)


def test_the_steps_of_a_budget_in_seconds() -> None:
    """The width leaves about the steps that are wanted."""
    spec = photograph(512, 768)
    law = step_seconds(1e-6, 1.6)
    for seconds in (30.0, 60.0, 100.0):
        steps = seconds / law(width_in_time(spec, 4, seconds, law))
        assert steps == pytest.approx(REFERENCE_STEPS, rel=0.2)


def test_in_little_time_a_photograph_gets_the_width_that_came_out_best() -> None:
    """Of equal times: 128 with 358 steps before 64 with 600 and 256 with 150."""
    law = step_law({64: 3.3 / 600, 128: 3.3 / 358, 256: 3.3 / 150})
    assert width_in_time(photograph(512, 768), 4, 3.3, law) == 128
    assert width_in_time(photograph(512, 768), 4, 10.0, law) in (160, 192, 224)


@given(st.floats(0.01, 1e6), st.floats(1, 100), pace, powers)
def test_more_time_is_never_a_narrower_network(
    seconds: float, more: float, each: float, power: float
) -> None:
    spec = photograph(300, 400)
    law = step_seconds(each, power)
    assert width_in_time(spec, 4, seconds, law) <= width_in_time(spec, 4, seconds * more, law)
