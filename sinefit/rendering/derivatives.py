"""Derivatives of a field on a planned grid: exact, through its networks and through the windows.

A field is the sum over blocks of a window W, a product of one share per axis, times a network f.
Along an axis its derivative is therefore the sum of W f' + W' f, and its second derivative that of
W f'' + 2 W' f' + W'' f.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from sinefit.engines.jets import JetEvaluator
from sinefit.rendering.boxes import SLAB_VALUES, coordinates_of, shape_of, slabs, window_of
from sinefit.rendering.rows import rows_within
from sinefit.signals.grid import sphere_features

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from sinefit.rendering.blended import Blended
    from sinefit.rendering.boxes import Box
    from sinefit.signals.grid import GridAxis
    from sinefit.signals.signal import SignalSpec


@dataclass(frozen=True)
class Derivatives:
    """A field's derivatives at consecutive rows of a grid, per sample of the fitted signal.

    Values count as in the field, over the range of its targets.
    """

    first: Tensor
    """First derivatives along each axis, (axes, count, *shape[1:], channels)."""
    second: Tensor | None
    """Second derivatives along each axis, of the same shape; None if they were not asked for."""

    def channels(self, count: int) -> Derivatives:
        """Return those of the first channels."""
        second = None if self.second is None else self.second[..., :count]
        return Derivatives(self.first[..., :count], second)


def differentiate(
    field: Blended,
    grid: tuple[GridAxis, ...],
    spec: SignalSpec,
    order: int,
    slab_values: int = SLAB_VALUES,
    within: range | None = None,
) -> Iterator[Derivatives]:
    """Yield derivatives up to an `order` of 1 or 2 of a field of signals like `spec`, by slabs.

    Of the whole grid, or of the rows `within` it alone, which begin and end where slabs do.
    Raises SettingError where the grid touches a block that the field was read without.
    """
    axes, channels = len(grid), spec.channels
    on_sphere = spec.domain == "sphere" and field.blocks.count == 1
    evaluator = JetEvaluator(field.network, sphere_features if on_sphere else None)
    for slab in slabs(
        field.blocks,
        field.numbers,
        grid,
        rows=derived_rows(grid, spec, order, slab_values),
        piece=evaluator.piece,
        device=evaluator.device,
        where=spec.coordinates,
        order=order,
        within=within,
    ):
        sums = torch.zeros((order, axes, *slab.shape, channels), device=evaluator.device)
        for members, boxes in slab.boxes:
            coordinates = coordinates_of(boxes)
            for axis in range(axes):
                jet = evaluator(coordinates, members, axis, order)
                parts = [part.view(len(boxes), *shape_of(boxes[0]), -1) for part in jet]
                for number, box in enumerate(boxes):
                    place = tuple(stretch.slice for stretch in box)
                    shares = _shares([part[number] for part in parts], box, axis)
                    for degree, share in enumerate(shares):
                        sums[degree, axis][place] += share
        yield Derivatives(sums[0].cpu(), sums[1].cpu() if order == 2 else None)
        del sums  # before there is another slab


def derived_rows(
    grid: tuple[GridAxis, ...], spec: SignalSpec, order: int, slab_values: int = SLAB_VALUES
) -> int:
    """Return the rows of a slab of derivatives up to an order."""
    row = math.prod(axis.count for axis in grid[1:]) * spec.channels * len(grid) * order
    return rows_within(slab_values, row)


def _shares(jet: list[Tensor], box: Box, axis: int) -> Iterator[Tensor]:
    """Yield what a block adds to the first and second derivative along an axis."""
    scale = box[axis].per_sample  # the network's own coordinates go slower than samples do
    windows = [
        window_of(box, tuple(order if place == axis else 0 for place in range(len(box))))
        for order in range(len(jet))
    ]
    scaled = [part * scale**order for order, part in enumerate(jet)]
    for order in range(1, len(jet)):
        # The product rule of any order (Leibniz).
        yield (
            sum(math.comb(order, k) * windows[k] * scaled[order - k] for k in range(1, order + 1))
            + windows[0] * scaled[order]
        )
