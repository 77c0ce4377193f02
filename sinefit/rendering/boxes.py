"""The samples of a planned grid by block: boxes that evaluators take, with the block's windows.

The grid is cut into slabs along its first axis. Each block that reaches a slab is evaluated on a
box of its samples, in the block's own coordinates. Boxes are cut to what an evaluator takes in one
call, and small ones of one shape are evaluated together.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit.errors import SettingError
from sinefit.rendering.rows import part_of, runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.signals.blocks import AxisBlocks, BlockGrid
    from sinefit.signals.grid import GridAxis
    from sinefit.signals.signal import Coordinates

SLAB_VALUES: Final = 2**23
"""Values per slab, 32 MiB of float32, as far as whole rows of the other axes allow: of a picture
100 000 samples wide it has rows enough for thousands of samples per block."""
TOGETHER: Final = 256
"""Most boxes that are evaluated together: their weights are copied, some 10 MB at usual widths."""


@dataclass(frozen=True)
class Stretch:
    """The samples along one axis that a block gives a share of."""

    place: int
    """The block's place along the axis."""
    first: int
    """Number of the first sample in the slab."""
    coordinates: Tensor
    """The samples in the block's own coordinates, (count,)."""
    per_sample: float
    """What the coordinates grow by from sample to sample of the fitted signal."""
    windows: tuple[Tensor, ...]
    """The block's share, above 0, and its derivatives by the position in samples, (count,) each."""

    @property
    def length(self) -> int:
        """Number of the samples."""
        return len(self.coordinates)

    @property
    def slice(self) -> slice:
        """Where they are in the slab."""
        return slice(self.first, self.first + self.length)

    def cut(self, begin: int, end: int) -> Stretch:
        """Return a part of it."""
        windows = tuple(window[begin:end] for window in self.windows)
        return Stretch(
            self.place,
            self.first + begin,
            self.coordinates[begin:end],
            self.per_sample,
            windows,
        )


Box = tuple[Stretch, ...]
"""Samples of one block: a stretch along each axis."""


@dataclass(frozen=True)
class Slab:
    """Consecutive rows of a grid along its first axis, and the boxes that they are made of."""

    shape: tuple[int, ...]
    """Samples along each axis."""
    boxes: Iterator[tuple[list[int], list[Box]]]
    """Boxes of one shape, and which members of the stack they are for."""


def slabs(
    blocks: BlockGrid,
    numbers: Sequence[int] | None,
    axes: tuple[GridAxis, ...],
    *,
    rows: int,
    piece: int,
    device: torch.device,
    where: Coordinates,
    order: int = 0,
    within: range | None = None,
) -> Iterator[Slab]:
    """Yield a grid, or the rows `within` it alone, in slabs of `rows` rows.

    They are in boxes of at most `piece` samples.

    A stack's members are on the blocks with these `numbers`, None for all of them in turn; windows
    come with derivatives up to an `order`. Raises SettingError where the grid touches another
    block.
    """
    first_axis, *others = axes
    met = (first_axis if within is None else part_of(first_axis, within), *others)
    if numbers is not None and (missing := sorted({*blocks.touched(met)} - {*numbers})):
        raise SettingError(
            f"the field was read without {len(missing)} of the blocks that this render touches, "
            f"{missing[0]} for one: read it for this render's grid"
        )
    members = {number: row for row, number in enumerate(numbers or range(blocks.count))}
    width = [axis.count for axis in others]
    across = [
        list(_stretches(*pair, where, device, order))
        for pair in zip(blocks.axes[1:], others, strict=True)
    ]

    share = 1.0 / blocks.ensemble  # of the first axis, and so of every window

    def groups(stretches: Iterator[Stretch]) -> Iterator[tuple[list[int], list[Box]]]:
        for alike in _batches(itertools.product(stretches, *across), piece):
            places = [tuple(stretch.place for stretch in box) for box in alike]
            for covering in range(blocks.ensemble):
                yield [members[blocks.number(each, covering)] for each in places], alike

    for run in runs(first_axis, rows, within):
        axis = part_of(first_axis, run)
        along = _stretches(blocks.axes[0], axis, where, device, order, share)
        yield Slab((len(run), *width), groups(along))


def coordinates_of(boxes: list[Box]) -> Tensor:
    """Return the coordinates of boxes of one shape in their blocks, (boxes, samples, axes)."""
    shape, axes = shape_of(boxes[0]), len(boxes[0])
    coordinates = boxes[0][0].coordinates.new_empty((len(boxes), *shape, axes))
    for row, box in zip(coordinates, boxes, strict=True):
        for axis, stretch in enumerate(box):
            row[..., axis] = _upright(stretch.coordinates, axis, axes)
    return coordinates.view(len(boxes), -1, axes)


def window_of(box: Box, orders: tuple[int, ...]) -> Tensor:
    """Return a box's window, or its derivative of the order that each axis has, (*shape, 1)."""
    window = torch.ones((), device=box[0].coordinates.device)
    for axis, (stretch, order) in enumerate(zip(box, orders, strict=True)):
        window = window * _upright(stretch.windows[order], axis, len(box) + 1)
    return window


def shape_of(box: Box) -> tuple[int, ...]:
    """Return the samples of a box along each axis."""
    return tuple(stretch.length for stretch in box)


def _stretches(
    blocks: AxisBlocks,
    axis: GridAxis,
    where: Coordinates,
    device: torch.device,
    order: int,
    share: float = 1.0,
) -> Iterator[Stretch]:
    """Yield the samples of an axis that each block has a share of, `share` times its window."""

    def tensor(values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(device)

    for place, first, last, local in blocks.touched(axis):
        numbers = np.arange(last - first, dtype=np.float64)
        positions = blocks.reach(place)[0] + local.start + (numbers + 0.5) * local.step
        (shared,) = np.nonzero(blocks.window(place, positions) > 0.0)
        if len(shared):
            # At the very ends of its reach a block has no share.
            part = slice(int(shared[0]), int(shared[-1]) + 1)
            yield Stretch(
                place,
                first + part.start,
                tensor(local.coordinates(numbers[part], where)),
                local.per_sample(where),
                tuple(
                    tensor(share * blocks.window(place, positions[part], each))
                    for each in range(order + 1)
                ),
            )


def _batches(boxes: Iterator[Box], most: int) -> Iterator[list[Box]]:
    """Yield boxes, cut to `most` samples at most, in groups of one shape with as many in all."""
    waiting: dict[tuple[int, ...], list[Box]] = {}
    for box in boxes:
        for part in _cut(box, most):
            shape = shape_of(part)
            alike = waiting.setdefault(shape, [])
            alike.append(part)
            if len(alike) == TOGETHER or (len(alike) + 1) * math.prod(shape) > most:
                yield waiting.pop(shape)
    yield from waiting.values()


def _cut(box: Box, most: int) -> Iterator[Box]:
    """Yield the parts of a box, of nearly equal lengths, that have `most` samples at most."""
    shape = shape_of(box)
    cuts: list[list[Stretch]] = []
    for place, (stretch, length) in enumerate(zip(box, shape, strict=True)):
        behind = math.prod(shape[place + 1 :])
        parts = -(-length // max(1, most // behind))
        ends = [length * number // parts for number in range(parts + 1)]
        cuts.append([stretch.cut(*pair) for pair in itertools.pairwise(ends)])
    return itertools.product(*cuts)


def _upright(values: Tensor, axis: int, axes: int) -> Tensor:
    """Return values (count,) with `axes` axes, along one of which they lie."""
    return values.view(*(-1 if place == axis else 1 for place in range(axes)))
