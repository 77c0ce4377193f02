"""Which blocks are trained at once, and which have their turn after them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.fitting.loop import make_plan
from sinefit.fitting.turns import STACKED_ROWS, group_size, groups_of

from .making import picture, settings

PLAN = make_plan(picture((96, 96), 3), settings(blocks=12, batch=64, engine="torch"))
"""Of 144 blocks."""


def test_a_group_has_as_many_blocks_as_caches_hold_samples() -> None:
    assert PLAN.blocks.count == 144
    assert group_size(PLAN, 144) == STACKED_ROWS // PLAN.batch


@given(st.lists(st.integers(0, 2), min_size=1, max_size=20), st.integers(1, 7))
def test_groups_are_all_members_in_order_and_each_keeps_step(taken: list[int], each: int) -> None:
    steps = [one for one in taken for _ in range(each)]
    size = group_size(PLAN, len(steps))
    groups = groups_of(PLAN, steps)
    assert [place for group in groups for place in group] == list(range(len(steps)))
    for group in groups:
        assert len({steps[place] for place in group}) == 1
        assert len(group) <= size
    # No two could be one.
    for one, other in pairwise(groups):
        assert steps[one.start] != steps[other.start] or len(one) == size


@pytest.mark.parametrize("steps", [[5] * 150, [5] * 149 + [4]])
def test_members_of_several_fits_are_one_group(steps: list[int]) -> None:
    assert groups_of(PLAN, steps) == [range(150)]
