"""Coordinates: where samples lie in the domain.

Each axis spans [-1, 1]. n samples cut it into n cells of equal width and lie at their centres, so
that a grid of twice as many samples has its centres where a picture twice as large has them.
Positions are also counted in samples of the fitted signal: position 0 is the left edge of the first
cell and position n the right edge of the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    Numbers = TypeVar("Numbers", NDArray[np.float64], Tensor)


@dataclass(frozen=True)
class GridAxis:
    """Equally spaced samples along one axis of a signal's domain."""

    size: int
    """Samples along this axis in the fitted signal; they span the domain [-1, 1]."""
    start: float
    """Position of the left edge of the first cell, in samples of the fitted signal."""
    step: float
    """Distance between neighbours, in samples of the fitted signal."""
    count: int
    """Number of samples."""

    def coordinates(self, numbers: Numbers) -> Numbers:
        """Return the centres of cells by their number from 0, float64 in and out.

        They are in [-1, 1] when inside the domain. float32 would confuse the neighbours of a long
        sound before the subtraction.
        """
        return 2.0 * (self.start + (numbers + 0.5) * self.step) / self.size - 1.0


def native_axis(size: int) -> GridAxis:
    """Return the axis of the fitted signal itself."""
    return GridAxis(size, 0.0, 1.0, size)
