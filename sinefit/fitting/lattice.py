"""Lattices of a signal's samples, on which figures are taken that need not rest on all of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sinefit.signals.grid import GridAxis

if TYPE_CHECKING:
    from collections.abc import Sequence


def whole(shape: Sequence[int]) -> tuple[range, ...]:
    """Return the numbers of all samples along each axis."""
    return tuple(range(size) for size in shape)


def lattice(axes: Sequence[range], count: int | None, period: int = 1) -> tuple[range, ...]:
    """Return the numbers along each axis that leave at most `count` samples, None all of them.

    They are as far from one end of each axis as from the other, at odd steps: whatever a codec does
    with every second or eighth sample comes at its share. So does what has another `period`.
    """
    steps = [1] * len(axes)
    shape = [len(along) for along in axes]
    while count is not None and _left(shape, steps) > count:
        # The axis that has most samples left can spare some.
        axis = max(range(len(shape)), key=lambda axis: shape[axis] / steps[axis])
        if steps[axis] >= shape[axis]:
            break
        steps[axis] += 2
        while math.gcd(steps[axis], period) > 1:
            steps[axis] += 2
    return tuple(
        along[(len(along) - 1) % step // 2 :: step] for along, step in zip(axes, steps, strict=True)
    )


def axis_of(size: int, along: range) -> GridAxis:
    """Return the axis of a grid whose centres are at samples of these numbers."""
    return GridAxis(size, along.start + 0.5 - along.step / 2, float(along.step), len(along))


def _left(shape: Sequence[int], steps: Sequence[int]) -> int:
    return math.prod(-(-size // step) for size, step in zip(shape, steps, strict=True))
