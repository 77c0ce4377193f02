"""A sampling grid on the domain, and the coordinates of its samples by their number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import torch

from sinefit.signals.coordinates import native_axis

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.signals.coordinates import GridAxis
    from sinefit.signals.signal import Domain, SignalSpec


TABLE_LIMIT: Final = 2**16
"""Samples along an axis up to which its coordinates are looked up, not computed anew."""


class Grid:
    """The product of one axis per dimension; samples are numbered in C order, last axis fastest.

    Coordinates are put together when asked for, so that a grid takes no memory however large it is.
    """

    def __init__(
        self, axes: tuple[GridAxis, ...], domain: Domain, device: torch.device | str = "cpu"
    ) -> None:
        """Lay the grid; its coordinates are handed out on `device`."""
        self.shape = tuple(axis.count for axis in axes)
        self.sample_count = math.prod(self.shape)
        self._axes = axes
        self._sphere = domain == "sphere"
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
    def of_signal(cls, spec: SignalSpec, device: torch.device | str = "cpu") -> Grid:
        """Return the grid on which a signal was sampled."""
        return cls(tuple(native_axis(size) for size in spec.shape), spec.domain, device)

    def coordinates(self, indices: Tensor) -> Tensor:
        """Return coordinates (count, features), float32, of samples by number (count,), int64.

        On the sphere the first axis goes from latitude +90 to -90 degrees, the second from
        longitude -180 to +180, and the coordinates are the point (cos lat cos lon, cos lat sin lon,
        sin lat) on the unit sphere.
        """
        columns: list[Tensor] = []
        remaining = indices.to(self._works_on)
        for place in reversed(range(len(self._axes))):
            axis, table = self._axes[place], self._tables[place]
            numbers = remaining % axis.count if place else remaining
            columns.append(self._along(axis, numbers) if table is None else table[numbers])
            remaining = remaining // axis.count if place else remaining
        columns.reverse()
        if self._sphere:
            latitude, longitude = columns[0] * (-math.pi / 2), columns[1] * math.pi
            across = torch.cos(latitude)
            columns = [
                across * torch.cos(longitude),
                across * torch.sin(longitude),
                torch.sin(latitude),
            ]
        return torch.stack(columns, dim=1).float().to(self._device)  # (count, features)

    def _along(self, axis: GridAxis, numbers: Tensor) -> Tensor:
        """Return coordinates along an axis, float64 as long as angles are made of them."""
        coordinates = axis.coordinates(numbers.double())
        return coordinates if self._sphere else coordinates.float()
