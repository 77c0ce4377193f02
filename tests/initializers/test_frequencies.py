from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sinefit.initializers.frequencies import (
    draw_frequencies,
    draw_lattice,
    half_space_count,
    half_space_frequency,
    unit_frequencies,
)

boxes = st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)


def half_space(limits: tuple[int, ...]) -> set[tuple[int, ...]]:
    """List it the plain way: the first non-zero component is positive."""
    box = product(*(range(-limit, limit + 1) for limit in limits))
    return {k for k in box if next((part for part in k if part), 0) > 0}


@settings(deadline=None)
@given(boxes)
def test_the_numbering_lists_the_half_space_once(limits: tuple[int, ...]) -> None:
    count = half_space_count(limits)
    listed = [half_space_frequency(index, limits) for index in range(count)]
    assert len(set(listed)) == count
    assert set(listed) == half_space(limits)


@settings(deadline=None)
@given(boxes, st.integers(0, 500), st.integers(0, 2**32))
def test_drawn_frequencies_are_distinct_and_allowed(
    limits: tuple[int, ...], count: int, seed: int
) -> None:
    units = unit_frequencies(len(limits))
    drawn = draw_frequencies(count, limits, units, torch.Generator().manual_seed(seed))
    allowed = half_space(limits) - set(units)
    assert len(drawn) == len(set(drawn)) == min(count, len(allowed))
    assert set(drawn) <= allowed


@settings(deadline=None)
@given(boxes, boxes, st.integers(0, 60), st.integers(0, 2**32))
def test_the_lattice_stays_outside_the_inner_box(
    limits: tuple[int, ...], inner: tuple[int, ...], count: int, seed: int
) -> None:
    axes = min(len(limits), len(inner))
    limits, inner = limits[:axes], inner[:axes]
    drawn = draw_lattice(count, limits, inner, torch.Generator().manual_seed(seed))
    allowed = half_space(limits) - half_space(inner)
    assert len(drawn) == len(set(drawn)) == min(count, len(allowed))
    assert set(drawn) <= allowed


def test_the_lattice_is_regular() -> None:
    drawn = draw_lattice(60, (80, 80), (10, 10), torch.Generator().manual_seed(0))
    places = {part for frequency in drawn for part in frequency}
    # The smallest m whose (2m+1)² points minus zero hold 60 pairs is 5: steps of 16.
    assert places == set(range(-80, 81, 16))


def test_lattice_places_are_rounded_to_the_nearest_integer() -> None:
    drawn = draw_lattice(4, (11,), (0,), torch.Generator().manual_seed(0))
    # Four equal steps of 2.75: 2.75, 5.5, 8.25, 11.
    assert sorted(drawn) == [(3,), (6,), (8,), (11,)]


@pytest.mark.parametrize("limits", [(2_000_000,), (10,) * 7])
def test_a_huge_box_is_never_listed(limits: tuple[int, ...]) -> None:
    drawn = draw_frequencies(300, limits, [], torch.Generator().manual_seed(0))
    assert len(set(drawn)) == 300
    assert all(abs(part) <= limits[0] for frequency in drawn for part in frequency)
    assert not {tuple(-part for part in frequency) for frequency in drawn} & set(drawn)
