"""A field of several blocks on a planned grid: what their networks say, summed by their windows.

The grid is cut into slabs along its first axis. Each block that reaches a slab is evaluated on a
box of its samples, in the block's own coordinates, and added to the slab by the product of its
windows along the axes. Boxes are cut to what an evaluator takes in one call, and small ones of one
shape are evaluated together.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit.errors import SettingError
from sinefit.signals.grid import GridAxis

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.engines.evaluation import Evaluator
    from sinefit.rendering.plan import RenderPlan
    from sinefit.signals.blocks import AxisBlocks, BlockGrid

SLAB_VALUES: Final = 2**23
"""Values per slab, 32 MiB of float32, as far as whole rows of the other axes allow: of a picture
100 000 samples wide it has rows enough for thousands of samples per block."""
TOGETHER: Final = 256
"""Most boxes that are evaluated together: their weights are copied, some 10 MB at usual widths."""


@dataclass(frozen=True)
class _Stretch:
    """The samples along one axis that a block gives a share of."""

    place: int
    """The block's place along the axis."""
    first: int
    """Number of the first sample in the slab."""
    coordinates: Tensor
    """The samples in the block's own coordinates, (count,)."""
    window: Tensor
    """The block's share, above 0, (count,)."""

    def cut(self, begin: int, end: int) -> _Stretch:
        """Return a part of it."""
        part = slice(begin, end)
        return _Stretch(self.place, self.first + begin, self.coordinates[part], self.window[part])


_Box = tuple[_Stretch, ...]
"""Samples of one block: a stretch along each axis."""


def blend(
    evaluator: Evaluator,
    blocks: BlockGrid,
    numbers: Sequence[int] | None,
    plan: RenderPlan,
    slab_values: int = SLAB_VALUES,
) -> Iterator[NDArray[np.float32]]:
    """Yield a field's values in consecutive slabs (count, *plan.spec.shape[1:], channels).

    The evaluator's members are on the blocks with these `numbers`, None for all of them in turn.
    Raises SettingError where the grid touches another one.
    """
    if numbers is not None and (missing := sorted({*blocks.touched(plan.axes)} - {*numbers})):
        raise SettingError(
            f"the field was read without {len(missing)} of the blocks that this render touches, "
            f"{missing[0]} for one: read it for this render's grid"
        )
    members = {number: row for row, number in enumerate(numbers or range(blocks.count))}
    first_axis, *others = plan.axes
    width = [axis.count for axis in others]
    channels = plan.spec.channels
    across = [
        list(_stretches(*pair, evaluator.device))
        for pair in zip(blocks.axes[1:], others, strict=True)
    ]
    rows = max(1, slab_values // (math.prod(width) * channels))
    for begin in range(0, first_axis.count, rows):
        count = min(rows, first_axis.count - begin)
        start = first_axis.start + begin * first_axis.step
        axis = GridAxis(first_axis.size, start, first_axis.step, count)
        slab = torch.zeros((count, *width, channels), device=evaluator.device)
        along = _stretches(blocks.axes[0], axis, evaluator.device)
        boxes = itertools.product(along, *across)
        for alike in _batches(boxes, evaluator.piece):
            places = (tuple(stretch.place for stretch in box) for box in alike)
            _add(slab, evaluator, [members[blocks.number(each)] for each in places], alike)
        yield slab.cpu().numpy()
        del slab  # before there is another one


def _stretches(blocks: AxisBlocks, axis: GridAxis, device: torch.device) -> Iterator[_Stretch]:
    """Yield the samples of an axis that each block has a share of."""

    def tensor(values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(device)

    for place, first, last, local in blocks.touched(axis):
        numbers = np.arange(last - first, dtype=np.float64)
        begin = blocks.reach(place)[0]
        window = blocks.window(place, begin + local.start + (numbers + 0.5) * local.step)
        (shared,) = np.nonzero(window > 0.0)
        if len(shared):
            # At the very ends of its reach a block has no share.
            part = slice(int(shared[0]), int(shared[-1]) + 1)
            coordinates = tensor(local.coordinates(numbers[part]))
            yield _Stretch(place, first + part.start, coordinates, tensor(window[part]))


def _batches(boxes: Iterator[_Box], most: int) -> Iterator[list[_Box]]:
    """Yield boxes, cut to `most` samples at most, in groups of one shape with as many in all."""
    waiting: dict[tuple[int, ...], list[_Box]] = {}
    for box in boxes:
        for part in _cut(box, most):
            shape = _shape(part)
            alike = waiting.setdefault(shape, [])
            alike.append(part)
            if len(alike) == TOGETHER or (len(alike) + 1) * math.prod(shape) > most:
                yield waiting.pop(shape)
    yield from waiting.values()


def _shape(box: _Box) -> tuple[int, ...]:
    return tuple(len(stretch.window) for stretch in box)


def _cut(box: _Box, most: int) -> Iterator[_Box]:
    """Yield the parts of a box, of nearly equal lengths, that have `most` samples at most."""
    shape = _shape(box)
    cuts: list[list[_Stretch]] = []
    for place, (stretch, length) in enumerate(zip(box, shape, strict=True)):
        behind = math.prod(shape[place + 1 :])
        parts = -(-length // max(1, most // behind))
        ends = [length * number // parts for number in range(parts + 1)]
        cuts.append([stretch.cut(*pair) for pair in itertools.pairwise(ends)])
    return itertools.product(*cuts)


def _add(slab: Tensor, evaluator: Evaluator, members: list[int], boxes: list[_Box]) -> None:
    """Add the shares of boxes of one shape to a slab."""
    shape, axes = _shape(boxes[0]), len(boxes[0])
    coordinates = slab.new_empty((len(boxes), *shape, axes))
    for row, box in zip(coordinates, boxes, strict=True):
        for axis, stretch in enumerate(box):
            row[..., axis] = _upright(stretch.coordinates, axis, axes)
    values = evaluator(coordinates.view(len(boxes), -1, axes), members)
    for row, box in zip(values.view(len(boxes), *shape, -1), boxes, strict=True):
        window = math.prod(
            (_upright(stretch.window, axis, axes + 1) for axis, stretch in enumerate(box)),
            start=slab.new_ones(()),
        )  # (*shape, 1)
        place = tuple(
            slice(stretch.first, stretch.first + length)
            for stretch, length in zip(box, shape, strict=True)
        )
        slab[place].addcmul_(row, window)


def _upright(values: Tensor, axis: int, axes: int) -> Tensor:
    """Return values (count,) with `axes` axes, along one of which they lie."""
    return values.view(*(-1 if place == axis else 1 for place in range(axes)))
