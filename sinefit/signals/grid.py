"""A sampling grid on the domain, and the coordinates of its samples by their number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from sinefit.signals.coordinates import native_axis

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.signals.coordinates import GridAxis
    from sinefit.signals.signal import Domain, SignalSpec


class Grid:
    """The product of one axis per dimension; samples are numbered in C order, last axis fastest.

    Coordinates are computed when asked for, so that a grid takes no memory however large it is.
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
        for axis in reversed(self._axes):
            columns.append(axis.coordinates((remaining % axis.count).double()))
            remaining = remaining // axis.count
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
