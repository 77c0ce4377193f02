"""The known solution on the grid that a network is compared on."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit.signals.signal import SignalSpec
from sinefit.solving.derivatives import points_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.networks.network import Network
    from sinefit.solving.equation import Equation

PIECE: Final = 8192
"""Points at a time."""
WATCHED: Final = 4096
"""Points at most that the error is told of on the way."""


class Truth:
    """The known solution at the sample centres of a grid over the domain."""

    def __init__(self, equation: Equation) -> None:
        axes = [(np.arange(size) + 0.5) * (2.0 / size) - 1.0 for size in equation.shape]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        self.coordinates = torch.from_numpy(grid)  # (points, axes), float64
        points = points_in(equation.domain, self.coordinates).numpy()
        pieces = [equation.exact(points[at : at + PIECE]) for at in range(0, len(points), PIECE)]
        self.values = np.concatenate(pieces)  # (points, channels)
        self.trusted = equation.trusted(points)  # (points,)
        self._scale = equation.scale

    def network_values(self, network: Network, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what a network has at some points (points, channels), in the equation's units."""
        places = self.coordinates[chosen].to(network.values.dtype)
        with torch.no_grad():
            found = [
                network(piece[None].to(network.device))[0] for piece in torch.split(places, PIECE)
            ]
        return self._scale * torch.cat(found).double().cpu().numpy()

    @cached_property
    def compared(self) -> NDArray[np.int64]:
        """Numbers of the points that are compared."""
        return np.flatnonzero(self.trusted)

    @cached_property
    def watched(self) -> NDArray[np.int64]:
        """Numbers of some of them, spread over all."""
        count = len(self.compared)
        # A step without a divisor in common with the count goes to all places of each axis.
        step = max(1, count // WATCHED)
        while math.gcd(step, count) > 1:
            step += 1
        return self.compared[(np.arange(min(WATCHED, count)) * step) % count]

    def relative_error(self, network: Network, chosen: NDArray[np.int64]) -> float:
        """Return the relative L2 error of a network at some points."""
        return relative_l2(self.network_values(network, chosen), self.values[chosen])


def relative_l2(values: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Return the root of the sum of squared errors over that of the truth's squares."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sqrt(np.square(values - truth).sum() / np.square(truth).sum()))


def spec_of(equation: Equation) -> SignalSpec:
    """Return the solution as a signal: an array over the domain in the equation's units."""
    channels = len(equation.channels)
    return SignalSpec(
        kind="array",
        shape=equation.shape,
        channels=channels,
        dtype="float32",
        low=-equation.scale,
        high=equation.scale,
        format="npy",
        bit_depth=32,
        channels_last=channels > 1,
    )
