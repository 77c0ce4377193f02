"""A sampling grid on the domain, and the coordinates of its samples by their index."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from sinefit.signals.coordinates import native_axis, sphere_point_tables

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.signals.coordinates import GridAxis
    from sinefit.signals.signal import Domain, SignalSpec


class Grid:
    """The product of one axis per dimension; samples are numbered in C order, last axis fastest."""

    def __init__(
        self, axes: tuple[GridAxis, ...], domain: Domain, device: torch.device | str = "cpu"
    ) -> None:
        """Lay the grid; the tables of coordinates live on `device`."""
        self.shape = tuple(axis.count for axis in axes)
        self.sample_count = math.prod(self.shape)
        self._sphere = domain == "sphere"
        tables = [axis.coordinates() for axis in axes]
        if self._sphere:
            rows, columns = sphere_point_tables(*tables)
            self._tables = [torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)]
        else:
            self._tables = [torch.from_numpy(table).to(device) for table in tables]

    @classmethod
    def of_signal(cls, spec: SignalSpec, device: torch.device | str = "cpu") -> Grid:
        """Return the grid on which a signal was sampled."""
        return cls(tuple(native_axis(size) for size in spec.shape), spec.domain, device)

    def coordinates(self, indices: Tensor) -> Tensor:
        """Return coordinates (count, features), float32, of samples by number (count,), int64."""
        columns: list[Tensor] = []
        remaining = indices
        for size, table in zip(reversed(self.shape), reversed(self._tables), strict=True):
            columns.append(table[remaining % size])
            remaining = remaining // size
        columns.reverse()
        if not self._sphere:
            return torch.stack(columns, dim=1)  # (batch, axes)
        (cos_lat, sin_lat), (cos_lon, sin_lon) = columns[0].unbind(1), columns[1].unbind(1)
        return torch.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], dim=1)  # (batch, 3)
