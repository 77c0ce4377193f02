from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.signals.grid import Grid, GridAxis, native_axis
from sinefit.signals.signal import SignalSpec

if TYPE_CHECKING:
    from sinefit.signals.signal import Domain

shapes = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)


def spec(shape: tuple[int, ...], domain: Domain = "grid") -> SignalSpec:
    return SignalSpec("array", shape, 1, "float32", 0.0, 1.0, "npy", 32, domain=domain)


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


@given(shapes)
def test_samples_are_numbered_as_c_arrays_are(shape: tuple[int, ...]) -> None:
    grid = Grid.of_signal(spec(shape))
    assert (grid.shape, grid.sample_count) == (shape, math.prod(shape))
    actual = grid.coordinates(torch.arange(grid.sample_count)).numpy()
    axes = [(2 * np.arange(size) + 1) / size - 1 for size in shape]
    expected = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(shape))
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, atol=1e-7)


@given(shapes, st.data())
def test_any_samples_can_be_asked_for(shape: tuple[int, ...], data: st.DataObject) -> None:
    grid = Grid.of_signal(spec(shape))
    every = grid.coordinates(torch.arange(grid.sample_count))
    chosen = data.draw(st.lists(st.integers(0, grid.sample_count - 1), max_size=8))
    indices = torch.tensor(chosen, dtype=torch.int64)
    assert torch.equal(grid.coordinates(indices), every[indices])


def test_another_grid_on_the_same_domain() -> None:
    axes = (GridAxis(4, 1.0, 0.5, 2), native_axis(1))
    points = Grid(axes, "grid").coordinates(torch.arange(2))
    # Positions 1.25 and 1.75 of 4 samples.
    assert points.tolist() == [[-0.375, 0.0], [-0.125, 0.0]]


def test_points_of_the_sphere() -> None:
    rows, columns = 9, 16
    points = Grid.of_signal(spec((rows, columns), "sphere")).coordinates(
        torch.arange(rows * columns)
    )
    latitude = np.radians(90 - (np.arange(rows) + 0.5) * 180 / rows)[:, None]
    longitude = np.radians(-180 + (np.arange(columns) + 0.5) * 360 / columns)[None, :]
    x, y = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude)
    z = np.sin(latitude) + 0 * longitude
    expected = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    np.testing.assert_allclose(points.numpy(), expected, atol=2e-7)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1)])
def test_small_spheres_lie_on_the_unit_sphere(shape: tuple[int, int]) -> None:
    points = Grid.of_signal(spec(shape, "sphere")).coordinates(torch.arange(math.prod(shape)))
    np.testing.assert_allclose(np.linalg.norm(points.numpy(), axis=1), 1.0, atol=1e-6)


def test_numbers_beyond_32_bits() -> None:
    last = 2**17
    grid = Grid((native_axis(last), native_axis(last)), "grid")
    points = grid.coordinates(torch.tensor([last * last - 1]))
    assert points.tolist() == [[pytest.approx(1 - 1 / last)] * 2]
