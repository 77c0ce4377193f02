"""The grid of blocks: windows, reaches and parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit import SettingError
from sinefit.signals.blocks import AxisBlocks, BlockGrid
from sinefit.signals.grid import GridAxis, native_axis
from sinefit.signals.objects import as_signal


@st.composite
def axes_of_blocks(draw: st.DrawFn) -> AxisBlocks:
    size = draw(st.integers(1, 200))
    count = draw(st.integers(1, size))
    margin = draw(st.integers(0, size // count // 2)) if count > 1 else 0
    return AxisBlocks(size, count, margin, wraps=draw(st.booleans()))


@st.composite
def grid_axes(draw: st.DrawFn, size: int) -> GridAxis:
    count = draw(st.integers(1, 50))
    start = draw(st.floats(0.0, 0.9)) * size
    step = draw(st.floats(0.01, 1.0)) * (size - start) / count
    return GridAxis(size, start, step, count)


@given(st.data())
def test_windows_sum_to_one(data: st.DataObject) -> None:
    axis = data.draw(axes_of_blocks())
    grid = data.draw(grid_axes(axis.size))
    total = np.zeros(grid.count)
    for place, first, last, local in axis.touched(grid):
        begin, end = axis.reach(place)
        numbers = np.arange(last - first, dtype=np.float64)
        positions = begin + local.start + (numbers + 0.5) * local.step
        assert (positions >= begin - 1e-6).all()
        assert (positions < end + 1e-6).all()
        share = axis.window(place, positions)
        assert (share >= 0.0).all()
        total[first:last] += share
    np.testing.assert_allclose(total, 1.0, atol=1e-6)


def test_windows_have_a_continuous_slope() -> None:
    axis = AxisBlocks(64, 4, 5)
    begin, end = axis.reach(1)
    positions = np.linspace(begin, end, 4001)
    slope = np.gradient(axis.window(1, positions), positions)
    assert abs(slope[0]) < 1e-3
    assert abs(slope[-1]) < 1e-3
    assert np.abs(np.diff(slope)).max() < 1e-3


@given(st.data())
def test_cells_are_the_domain(data: st.DataObject) -> None:
    axis = data.draw(axes_of_blocks())
    cells = [axis.cell(place) for place in range(axis.count)]
    samples = [number for begin, end in cells for number in range(begin, end)]
    assert samples == list(range(axis.size))
    lengths = [end - begin for begin, end in cells]
    assert max(lengths) - min(lengths) <= 1


def test_parts_hold_what_they_reach() -> None:
    values = np.arange(7 * 9 * 2).reshape(7, 9, 2).astype(np.float32)
    signal = as_signal(values, channels_last=True)
    grid = BlockGrid((AxisBlocks(7, 2, 1), AxisBlocks(9, 3, 1, wraps=True)))
    part = grid.part(signal, grid.number((1, 0)))
    assert part.spec.shape == (5, 5)
    np.testing.assert_array_equal(part.samples, values[2:7][:, [8, 0, 1, 2, 3]])
    assert part.samples.size == grid.samples_in(3) * 2


def test_numbers_follow_places() -> None:
    grid = BlockGrid(tuple(AxisBlocks(10, count, 0) for count in (2, 3, 4)))
    places = [grid.places(number) for number in range(grid.count)]
    assert places == list(np.ndindex(2, 3, 4))
    assert [grid.number(each) for each in places] == list(range(24))


def test_one_block_is_the_signal_itself() -> None:
    signal = as_signal(np.zeros((4, 5), np.float32))
    grid = BlockGrid.single(signal.spec)
    assert grid.part(signal, 0) is signal
    assert [*grid.axes[0].touched(native_axis(4))] == [(0, 0, 4, native_axis(4))]


@pytest.mark.parametrize(
    ("size", "count", "margin", "word"),
    [(5, 6, 0, "blocks"), (5, 0, 0, "blocks"), (8, 2, 3, "margin"), (8, 1, 1, "margin")],
)
def test_what_cannot_be_is_refused(size: int, count: int, margin: int, word: str) -> None:
    with pytest.raises(SettingError, match=f"`{word}`"):
        AxisBlocks(size, count, margin)


@given(st.data())
def test_the_blocks_of_an_ensemble_lie_where_those_of_one_covering_do(data: st.DataObject) -> None:
    axes = tuple(data.draw(axes_of_blocks()) for _ in range(data.draw(st.integers(1, 3))))
    one, several = BlockGrid(axes), BlockGrid(axes, data.draw(st.integers(1, 4)))
    assert several.count == several.ensemble * one.count
    assert several.cell_count == one.count
    number = data.draw(st.integers(0, several.count - 1))
    covering, first = divmod(number, one.count)
    assert several.in_first_covering(number) == first
    assert several.places(number) == one.places(first)
    assert several.number(one.places(first), covering) == number
    assert several.reaches(number) == one.reaches(first)
    grid = tuple(data.draw(grid_axes(axis.size)) for axis in axes)
    touched = one.touched(grid)
    expected = [begin + each for begin in range(0, several.count, one.count) for each in touched]
    assert several.touched(grid) == expected


def test_an_ensemble_has_at_least_one_covering() -> None:
    with pytest.raises(SettingError, match="`ensemble` is 0"):
        BlockGrid((AxisBlocks(8, 2, 0),), 0)
