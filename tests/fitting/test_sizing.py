from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.fitting.sizing import (
    GRAIN,
    NARROWEST,
    REFERENCE_STEPS,
    REFERENCE_WIDTH,
    WEIGHTS_PER_VALUE,
    WIDEST,
    default_width,
)
from sinefit.networks.size import NetworkSize
from sinefit.signals.signal import SignalSpec


def photograph(height: int, width: int) -> SignalSpec:
    return SignalSpec("image", (height, width), 3, "uint8", 0.0, 255.0, "png", 8)


operations = st.none() | st.floats(1e6, 1e20)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 8), operations)
def test_widths_are_usual_ones_and_say_no_more_than_the_signal(height, width, depth, budget):
    spec = photograph(height, width)
    chosen = default_width(spec, depth, 4096, budget)
    assert chosen % GRAIN == 0
    assert NARROWEST <= chosen <= WIDEST
    if chosen > NARROWEST:
        hidden = max(1, depth - 1) * (chosen - GRAIN / 2) ** 2
        assert hidden <= WEIGHTS_PER_VALUE * height * width * 3


def test_the_photographs_it_was_measured_on() -> None:
    assert default_width(photograph(512, 768), 4, 4096, None) == REFERENCE_WIDTH


def test_the_steps_of_a_budget_in_seconds() -> None:
    """The width leaves about the steps that are wanted, by the operations of training."""
    spec = photograph(512, 768)
    for budget in (3e12, 1e13, 3e13, 6e13):
        size = NetworkSize(2, default_width(spec, 4, 4096, budget), 4, 3)
        steps = budget / (6 * size.parameter_count * 4096)
        assert steps == pytest.approx(REFERENCE_STEPS, rel=0.2)


@given(st.floats(1e9, 1e16), st.floats(1, 100))
def test_more_time_is_never_a_narrower_network(budget, more):
    spec = photograph(300, 400)
    assert default_width(spec, 4, 4096, budget) <= default_width(spec, 4, 4096, budget * more)
