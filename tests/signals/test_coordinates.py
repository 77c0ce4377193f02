from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.signals.coordinates import GridAxis, native_axis


def centres(axis: GridAxis) -> np.ndarray:
    return axis.coordinates(np.arange(axis.count, dtype=np.float64))


@pytest.mark.parametrize(
    ("size", "expected"), [(1, [0.0]), (2, [-0.5, 0.5]), (4, [-0.75, -0.25, 0.25, 0.75])]
)
def test_samples_lie_at_the_centres_of_equal_cells(size: int, expected: list[float]) -> None:
    assert centres(native_axis(size)).tolist() == expected


@given(st.integers(1, 3000))
def test_every_axis_is_symmetric_and_stays_inside(size: int) -> None:
    values = centres(native_axis(size))
    np.testing.assert_allclose(values, -values[::-1], atol=1e-15)
    assert abs(values[0] + 1 - 1 / size) < 1e-15


@given(st.integers(1, 500), st.integers(1, 9))
def test_finer_cells_tile_the_coarser_ones(size: int, factor: int) -> None:
    fine = centres(GridAxis(size, 0.0, 1.0 / factor, size * factor))
    means = fine.reshape(size, factor).mean(axis=1)
    np.testing.assert_allclose(means, centres(native_axis(size)), atol=1e-14)


@given(
    st.integers(1, 2**40),
    st.integers(0, 10**6),
    st.fractions(Fraction(1, 100), 100, max_denominator=100),
    st.integers(1, 50),
)
def test_coordinates_against_exact_arithmetic(
    size: int, start: int, step: Fraction, count: int
) -> None:
    axis = GridAxis(size, float(start), float(step), count)
    for number, value in enumerate(centres(axis).tolist()):
        exact = 2 * (start + (number + Fraction(1, 2)) * step) / size - 1
        # float64 keeps 53 bits of what is up to about 1 before the subtraction, larger beyond.
        assert abs(Fraction(value) - exact) <= (abs(exact) + 2) * Fraction(1, 2**50)
