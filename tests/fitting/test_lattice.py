from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from sinefit.fitting.lattice import lattice, whole

shapes = st.lists(st.integers(1, 300), min_size=1, max_size=3)


@given(shapes, st.integers(1, 5000))
def test_a_lattice_leaves_as_many_samples_as_were_asked_for(shape: list[int], count: int) -> None:
    axes = lattice(whole(shape), count)
    left, steps = [len(along) for along in axes], [along.step for along in axes]
    assert math.prod(left) <= max(count, 1)
    assert all(step % 2 == 1 for step in steps)
    # A step less along some axis would leave too many.
    if any(step > 1 for step in steps):
        finer = (
            math.prod(left) // left[axis] * math.ceil(shape[axis] / (step - 2))
            for axis, step in enumerate(steps)
            if step > 1
        )
        assert max(finer) > count
    assert lattice(whole(shape), None) == lattice(whole(shape), math.prod(shape)) == whole(shape)


@given(shapes, st.integers(1, 5000))
def test_a_lattice_is_as_far_from_one_end_as_from_the_other(shape: list[int], count: int) -> None:
    for size, along in zip(shape, lattice(whole(shape), count), strict=True):
        before, behind = along[0], size - 1 - along[-1]
        assert 0 <= behind - before <= 1


@given(st.integers(2, 12), st.integers(1, 4000))
def test_what_has_a_period_comes_at_its_share(period: int, count: int) -> None:
    for along in lattice(whole((240, 360)), count, period):
        residues = {number % period for number in along}
        assert len(residues) == min(period, len(along))


def test_a_lattice_of_a_coarser_grid_is_part_of_it() -> None:
    coarse = (range(1, 100, 4), range(2, 90, 4))
    for along, axis in zip(lattice(coarse, 60), coarse, strict=True):
        assert set(along) < set(axis)
