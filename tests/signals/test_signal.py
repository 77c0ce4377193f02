from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import InputError
from sinefit.signals.signal import LARGEST_VALUE, Signal, SignalSpec


def spec(dtype: str = "uint8", low: float = 0.0, high: float = 255.0, **others: Any) -> SignalSpec:
    values = {"kind": "image", "shape": (2, 3), "channels": 1, "format": "png", "bit_depth": 8}
    settings: dict[str, Any] = values | others
    return SignalSpec(dtype=dtype, low=low, high=high, **settings)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_every_integer_survives_the_way_to_the_network_and_back(dtype: str) -> None:
    limits = np.iinfo(dtype)
    samples = np.arange(limits.min, limits.max + 1).astype(dtype)
    like = spec(dtype, limits.min, limits.max)
    np.testing.assert_array_equal(like.store(like.to_unit(samples)), samples)


def test_low_and_high_are_mapped_to_minus_and_plus_one() -> None:
    like = spec("float32", low=-3.0, high=5.0)
    assert like.to_unit(np.array([-3.0, 1.0, 5.0])).tolist() == [-1, 0, 1]
    assert like.from_unit(np.array([-1.0, 0.0, 1.0])).tolist() == [-3, 1, 5]
    assert like.value_range == 8


@given(
    low=st.floats(-1e6, 1e6),
    width=st.floats(1e-3, 1e6),
    part=st.floats(0, 1),
)
def test_from_unit_undoes_to_unit(low: float, width: float, part: float) -> None:
    like = spec("float64", low=low, high=low + width)
    value = low + part * width
    # to_unit rounds to float32: half a unit in the last place at 1 is 2^-25 of the range, and the
    # subtraction of nearby numbers in float64 loses as much as their size has.
    tolerance = width * 2.0**-24 + abs(low) * 2.0**-50
    assert math.isclose(
        like.from_unit(like.to_unit(np.array([value])))[0], value, rel_tol=0, abs_tol=tolerance
    )


def test_integers_are_rounded_and_clipped_not_wrapped() -> None:
    like = spec("uint8")
    values = np.array([-1.5, -1.0, 1.0, 1.5, (100.4 / 127.5) - 1, (100.6 / 127.5) - 1])
    assert like.store(values).tolist() == [0, 0, 255, 255, 100, 101]


def test_floats_are_neither_rounded_nor_clipped() -> None:
    like = spec("float32", low=-1.0, high=1.0)
    assert like.store(np.array([1.5, -2.25])).tolist() == [1.5, -2.25]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_beyond_their_type_are_its_largest(dtype: str) -> None:
    largest = float(np.finfo(dtype).max)
    high = min(largest, LARGEST_VALUE)
    like = spec(dtype, low=-high, high=high)
    assert like.store(np.array([2.0**60, -(2.0**60), 0.0])).tolist() == [largest, -largest, 0.0]


@given(exponent=st.integers(-999, 999), offset=st.floats(-1, 1))
def test_every_range_that_is_accepted_is_mapped_and_back(exponent: int, offset: float) -> None:
    low = offset * 2.0**exponent
    high = low + 2.0**exponent
    like = spec("float64", low=low, high=high)
    Signal(like, np.full((2, 3, 1), low))
    values = np.array([low, low / 2 + high / 2, high])
    units = like.to_unit(values)
    np.testing.assert_allclose(units, [-1, 0, 1], atol=1e-6)
    np.testing.assert_allclose(like.from_unit(units) / 2.0**exponent, values / 2.0**exponent)


@pytest.mark.parametrize(
    ("low", "high", "cause"),
    [
        (0.0, 1e302, "too much .* divide"),
        (-1.7e308, 1.7e308, "too much .* divide"),
        (0.0, 1e-310, "too little .* multiply"),
        (1.0, 1.0, "no range"),
        (1.0, 0.0, "no range"),
        (math.nan, 1.0, "no range"),
        (0.0, math.inf, "no range"),
    ],
)
def test_a_range_that_cannot_be_mapped_is_refused(low: float, high: float, cause: str) -> None:
    with pytest.raises(InputError, match=f"^a.npy spans .*{cause}"):
        Signal(spec("float64", low, high, source="a.npy"), np.zeros((2, 3, 1)))


def test_booleans_are_cut_at_one_half() -> None:
    like = spec("bool", low=0.0, high=1.0)
    assert like.store(np.array([-1.0, -0.01, 0.01, 1.0])).tolist() == [False, False, True, True]


def test_sizes() -> None:
    like = spec(shape=(4, 5, 6), kind="video", channels=3)
    assert (like.axes, like.coordinate_features, like.sample_count) == (3, 3, 120)
    assert spec(domain="sphere").coordinate_features == 3
    assert like.with_shape((1, 2, 3)).sample_count == 6
    assert like.shape == (4, 5, 6)


def test_samples_must_be_what_the_spec_says() -> None:
    with pytest.raises(InputError, match="shape"):
        Signal(spec(), np.zeros((2, 3), np.uint8))
    with pytest.raises(InputError, match="uint16"):
        Signal(spec(), np.zeros((2, 3, 1), np.uint16))
