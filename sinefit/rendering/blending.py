"""A field of several blocks on a planned grid: what their networks say, summed by their windows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from sinefit.rendering.boxes import SLAB_VALUES, coordinates_of, shape_of, slabs, window_of
from sinefit.rendering.rows import rows_within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.engines.evaluation import Evaluator
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.grid import GridAxis
    from sinefit.signals.signal import Coordinates


def blend(
    evaluator: Evaluator,
    blocks: BlockGrid,
    numbers: Sequence[int] | None,
    axes: tuple[GridAxis, ...],
    channels: int,
    where: Coordinates,
    slab_values: int = SLAB_VALUES,
) -> Iterator[NDArray[np.float32]]:
    """Yield a field's values on a grid in consecutive slabs (count, *shape[1:], channels).

    The evaluator's members are on the blocks with these `numbers`, None for all of them in turn.
    Raises SettingError where the grid touches another one.
    """
    for slab in blended_slabs(evaluator, blocks, numbers, axes, channels, where, slab_values):
        array = slab.cpu().numpy()
        del slab  # before there is another one
        yield array
        del array


def blended_slabs(
    evaluator: Evaluator,
    blocks: BlockGrid,
    numbers: Sequence[int] | None,
    axes: tuple[GridAxis, ...],
    channels: int,
    where: Coordinates,
    slab_values: int = SLAB_VALUES,
    within: range | None = None,
) -> Iterator[Tensor]:
    """Yield what `blend` does where it is computed, of the rows `within` alone if they are told."""
    for slab in slabs(
        blocks,
        numbers,
        axes,
        rows=slab_rows(axes, channels, slab_values),
        piece=evaluator.piece,
        device=evaluator.device,
        where=where,
        within=within,
    ):
        values = torch.zeros((*slab.shape, channels), device=evaluator.device)
        for members, boxes in slab.boxes:
            found = evaluator(coordinates_of(boxes), members)
            for one, box in zip(
                found.view(len(boxes), *shape_of(boxes[0]), -1), boxes, strict=True
            ):
                place = tuple(stretch.slice for stretch in box)
                values[place].addcmul_(one, window_of(box, (0,) * len(box)))
        yield values
        del values  # before there is another slab


def slab_rows(axes: tuple[GridAxis, ...], channels: int, slab_values: int = SLAB_VALUES) -> int:
    """Return the rows of a slab of a grid."""
    return rows_within(slab_values, math.prod(axis.count for axis in axes[1:]) * channels)
