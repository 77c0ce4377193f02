"""Bessel functions of the first kind and of whole order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def bessel(order: int, values: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return J of `order`, of either sign, at real values, to about 1e-15.

    It is the mean of cos(order t - x sin t) over a turn (Bessel's integral). The mean of so many
    points leaves out J of order ± their number and of its multiples, which is below the rounding.
    """
    x = np.asarray(values, dtype=np.float64)
    largest = float(np.abs(x).max(initial=0.0))
    points = 2 * (abs(order) + int(np.ceil(largest)) + 24)
    turn = 2.0 * np.pi * np.arange(points) / points
    phases = order * turn - x[..., None] * np.sin(turn)
    mean: NDArray[np.float64] = np.cos(phases).mean(axis=-1)
    return mean
