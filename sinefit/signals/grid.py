"""A sampling grid on the domain: its axes, and the coordinates of its samples by their number.

Each axis spans [-1, 1]. n samples cut it into n cells of equal width and lie at their centres, so
that a grid of twice as many samples has its centres where a picture twice as large has them. Where
samples lie from end to end instead, as most papers have them, all coordinates are n / (n - 1) times
those: the centres of the first and the last cell are then at -1 and 1.
Positions are also counted in samples of the fitted signal: position 0 is the left edge of the first
cell and position n the right edge of the last one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.signals.signal import Coordinates, Domain, SignalSpec

    Numbers = TypeVar("Numbers", NDArray[np.float64], Tensor)

TABLE_LIMIT: Final = 2**16
"""Samples along an axis up to which its coordinates are looked up, not computed anew."""


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

    def coordinates(self, numbers: Numbers, where: Coordinates = "centres") -> Numbers:
        """Return the coordinates of samples by their number from 0, float64 in and out.

        They are in [-1, 1] when inside the domain. float32 would confuse the neighbours of a long
        sound before the subtraction.
        """
        position = 2.0 * (self.start + (numbers + 0.5) * self.step)
        if where == "ends":
            return (position - self.size) / max(1, self.size - 1)
        return position / self.size - 1.0

    def per_sample(self, where: Coordinates) -> float:
        """Return how far apart the coordinates of neighbours are in the fitted signal.

        From end to end a lone sample, which has no neighbour, lies in the middle.
        """
        return 2.0 / (max(1, self.size - 1) if where == "ends" else self.size)


def native_axis(size: int) -> GridAxis:
    """Return the axis of the fitted signal itself."""
    return GridAxis(size, 0.0, 1.0, size)


class Grid:
    """The product of one axis per dimension; samples are numbered in C order, last axis fastest.

    Coordinates are put together when asked for, so that a grid takes no memory however large it is.
    """

    def __init__(
        self,
        axes: tuple[GridAxis, ...],
        domain: Domain,
        device: torch.device | str = "cpu",
        *,
        where: Coordinates = "centres",
        exact: bool = False,
    ) -> None:
        """Lay the grid, on a signal's domain and `where` its samples lie.

        Its coordinates are handed out on `device`, in float32, `exact` ones in float64.
        """
        import torch  # a command that only parses a request need not wait for it

        self.shape = tuple(axis.count for axis in axes)
        self.sample_count = math.prod(self.shape)
        self._axes = axes
        self._where = where
        self._sphere = domain == "sphere"
        self._dtype = torch.float64 if exact else torch.float32
        self._device = torch.device(device)
        # MPS has no float64.
        self._works_on = torch.device("cpu") if self._device.type == "mps" else self._device
        self._tables: list[Tensor | None] = [
            self._along(axis, torch.arange(axis.count, device=self._works_on))
            if axis.count <= TABLE_LIMIT
            else None
            for axis in axes
        ]

    @classmethod
    def of_signal(
        cls, spec: SignalSpec, device: torch.device | str = "cpu", *, exact: bool = False
    ) -> Grid:
        """Return the grid on which a signal was sampled."""
        axes = tuple(native_axis(size) for size in spec.shape)
        return cls(axes, spec.domain, device, where=spec.coordinates, exact=exact)

    def coordinates(self, indices: Tensor) -> Tensor:
        """Return coordinates (count, features) of samples by number (count,), int64.

        On the sphere they are `sphere_features` of the grid's two axes.
        """
        import torch

        columns: list[Tensor] = []
        remaining = indices.to(self._works_on)
        for place in reversed(range(len(self._axes))):
            axis, table = self._axes[place], self._tables[place]
            numbers = remaining % axis.count if place else remaining
            columns.append(self._along(axis, numbers) if table is None else table[numbers])
            remaining = remaining // axis.count if place else remaining
        columns.reverse()
        found = torch.stack(columns, dim=1)
        if self._sphere:
            found = sphere_features(found)
        return found.to(self._dtype).to(self._device)  # (count, features)

    def _along(self, axis: GridAxis, numbers: Tensor) -> Tensor:
        """Return coordinates along an axis, float64 as long as angles are made of them."""
        coordinates = axis.coordinates(numbers.double(), self._where)
        return coordinates if self._sphere else coordinates.to(self._dtype)


def sphere_features(coordinates: Tensor) -> Tensor:
    """Return the points on the unit sphere (..., 3) at coordinates (..., 2) in [-1, 1].

    The first coordinate goes from latitude +90 to -90 degrees, the second from longitude -180 to
    +180; the point is (cos lat cos lon, cos lat sin lon, sin lat).
    """
    import torch

    latitude, longitude = coordinates[..., 0] * (-math.pi / 2), coordinates[..., 1] * math.pi
    across = torch.cos(latitude)
    point = across * torch.cos(longitude), across * torch.sin(longitude), torch.sin(latitude)
    return torch.stack(point, dim=-1)
