"""The rows of a grid along its first axis: how many make a piece, and runs of them.

A sample can depend in its last bits on the piece that it is computed in. So who computes a part of
a grid takes whole pieces of it: runs that begin and end where those of the whole do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinefit.signals.grid import GridAxis


def rows_within(most: int, row: int) -> int:
    """Return how many rows, at least one, of so many values each have `most` of them at most."""
    return max(1, most // max(1, row))


def runs(axis: GridAxis, each: int, within: range | None = None) -> Iterator[range]:
    """Yield the rows of an axis, or those `within` it alone, in runs of `each` at most."""
    within = range(axis.count) if within is None else within
    for begin in range(within.start, within.stop, each):
        yield range(begin, min(begin + each, within.stop))


def part_of(axis: GridAxis, rows: range) -> GridAxis:
    """Return the axis of consecutive rows alone."""
    start = axis.start + rows.start * axis.step
    return replace(axis, start=start, count=len(rows))
