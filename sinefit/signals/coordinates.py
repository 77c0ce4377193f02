"""Coordinates: where samples lie in the domain.

Each axis spans [-1, 1]. n samples cut it into n cells of equal width and lie at their centres, so
that a grid of twice as many samples has its centres where a picture twice as large has them.
Positions are also counted in samples of the fitted signal: position 0 is the left edge of the first
cell and position n the right edge of the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


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

    def coordinates(self) -> NDArray[np.float32]:
        """Return the centres of the cells, `count` values in [-1, 1] when inside the domain."""
        positions = self.start + (np.arange(self.count, dtype=np.float64) + 0.5) * self.step
        return (2.0 * positions / self.size - 1.0).astype(np.float32)


def native_axis(size: int) -> GridAxis:
    """Return the axis of the fitted signal itself."""
    return GridAxis(size, 0.0, 1.0, size)


def sphere_point_tables(
    latitude: NDArray[np.float32], longitude: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn axis coordinates into tables whose products are points on the unit sphere.

    Axis coordinates in [-1, 1] stand for latitudes from +90 to -90 degrees (the first row is the
    northernmost) and longitudes from -180 to +180 degrees. Returns (rows, 2) holding cos and sin of
    the latitude and (columns, 2) holding cos and sin of the longitude; the point is
    (cos lat cos lon, cos lat sin lon, sin lat).
    """
    latitudes = -np.pi / 2 * latitude.astype(np.float64)
    longitudes = np.pi * longitude.astype(np.float64)
    rows = np.stack([np.cos(latitudes), np.sin(latitudes)], axis=1)
    columns = np.stack([np.cos(longitudes), np.sin(longitudes)], axis=1)
    return rows.astype(np.float32), columns.astype(np.float32)
