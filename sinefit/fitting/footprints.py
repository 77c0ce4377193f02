"""Points of a target: where a network is evaluated whose mean is to meet a sample.

A sample that counts as a mean over its footprint meets the mean of the network at a few points of
it, drawn anew at every step, one in each cell of a grid over the footprint (stratified sampling;
Cook, 1986): over the steps they are the whole of it.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

import torch

from sinefit.signals.grid import native_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from sinefit.signals.signal import Coordinates, Footprint

PER_AXIS: Final = {1: 4, 2: 3}
"""Points per axis of signals with so many axes, two of those with more."""
DEVIATION: Final = 0.5
"""Standard deviation of a gaussian footprint, in samples."""
FURTHEST: Final = 1e-3
"""Share of a gaussian's points on each side that count as if they were no further out."""
_STRIDE: Final = 0xBF58476D1CE4E5B9
"""Odd and without a pattern: it keeps the seeds of steps apart."""


def points_of(footprint: Footprint, axes: int) -> int:
    """Return the points per target, 1 for a footprint that is a point."""
    return 1 if footprint == "point" else int(PER_AXIS.get(axes, 2) ** axes)


class FootprintPoints:
    """Draws the points of a member's targets, which follow from its seed and the step alone."""

    def __init__(
        self,
        footprint: Footprint,
        shape: Sequence[int],
        seed: int,
        where: Coordinates = "centres",
    ) -> None:
        """Draw for samples of a grid of this shape, which lie `where` along [-1, 1]."""
        self._footprint = footprint
        self._seed = seed
        each = PER_AXIS.get(len(shape), 2)
        corners = itertools.product(range(each), repeat=len(shape))
        self._corners = torch.tensor(list(corners), dtype=torch.float32) / each  # (points, axes)
        self._cell = 1.0 / each
        self._extent = torch.tensor([native_axis(size).per_sample(where) for size in shape])

    def draw(self, first: int, steps: int, batch: int) -> Tensor:
        """Return offsets of points from the samples' centres (steps, batch, points, axes)."""
        return torch.stack([self._draw(step, batch) for step in range(first, first + steps)])

    def _draw(self, step: int, batch: int) -> Tensor:
        generator = torch.Generator().manual_seed((self._seed ^ (step * _STRIDE)) % 2**63)
        places = torch.rand((batch, *self._corners.shape), generator=generator)
        places = places.mul_(self._cell).add_(self._corners)  # in [0, 1)
        if self._footprint == "gaussian":
            places = places.clamp_(FURTHEST, 1.0 - FURTHEST)
            offsets = torch.erfinv(2.0 * places - 1.0) * (DEVIATION * math.sqrt(2.0))
        else:
            offsets = places.sub_(0.5)
        return offsets * self._extent
