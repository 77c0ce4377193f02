from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.fitting.config import FitConfig
from sinefit.fitting.defaults import DEFAULT_INITIALIZER, default_steps
from sinefit.initializers.registry import describe, parse_initializer
from sinefit.signals.signal import SignalSpec

from .making import picture


def steps_of(*shape: int) -> int:
    return default_steps(dataclasses.replace(picture().spec, shape=shape), 1)


def test_the_default_initializer_can_be_taken() -> None:
    config = FitConfig(parse_initializer(DEFAULT_INITIALIZER))
    assert config == FitConfig()
    assert config.initializer is not None
    assert describe(config.initializer) == DEFAULT_INITIALIZER


def test_sixteen_times_the_samples_are_twice_the_steps() -> None:
    one = steps_of(768, 512)
    assert steps_of(4 * 768, 4 * 512) == pytest.approx(2 * one, abs=1)
    assert steps_of(2 * 768, 2 * 512) == pytest.approx(one * 2**0.5, abs=1)


def test_the_least_and_the_most() -> None:
    assert 0 < steps_of(1, 1) == steps_of(20, 30) < steps_of(768, 512)
    assert steps_of(768, 512) < steps_of(10**5, 10**5) == steps_of(10**6, 10**6)


@given(st.integers(1, 10**5), st.integers(1, 10**5), st.integers(0, 10**5))
def test_a_larger_signal_never_gets_fewer_steps(rows: int, columns: int, more: int) -> None:
    assert steps_of(rows, columns) <= steps_of(rows + more, columns)


def test_channels_do_not_count() -> None:
    spec = SignalSpec("image", (900, 700), 1, "uint8", 0.0, 255.0, "png", 8)
    for blocks in (1, 12):
        steps = default_steps(spec, blocks)
        assert steps == default_steps(dataclasses.replace(spec, channels=3), blocks)


@given(st.integers(1, 10**5), st.integers(1, 10**5), st.integers(2, 10**6))
def test_the_steps_of_a_block_do_not_hang_on_how_many_there_are(
    rows: int, columns: int, blocks: int
) -> None:
    spec = dataclasses.replace(picture().spec, shape=(rows, columns))
    assert default_steps(spec, blocks) == default_steps(picture().spec, 2)
