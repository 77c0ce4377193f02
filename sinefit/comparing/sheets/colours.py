"""Numbers as colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Values = NDArray[np.float64]

HEAT: Final = np.array(
    [(0, 0, 0), (60, 10, 90), (160, 30, 80), (230, 100, 30), (250, 200, 60), (255, 255, 230)]
)
"""From the least to the most, each lighter than the last, so that they are told apart in grey."""


def heat(shares: Values) -> Pixels:
    """Return colours (..., 3) of shares (...), 0 for black to 1 for white."""
    place = np.clip(np.nan_to_num(shares), 0.0, 1.0) * (len(HEAT) - 1)
    stops = np.arange(len(HEAT))
    channels = [np.interp(place, stops, HEAT[:, channel]) for channel in range(3)]
    colours: Pixels = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return colours


def pixels_of(values: Values) -> Pixels:
    """Return values from 0 to 1, of one or three channels, as pixels (height, width, 3)."""
    if values.shape[-1] != 3:
        values = np.repeat(values[..., :1], 3, axis=-1)
    pixels: Pixels = np.rint(np.clip(np.nan_to_num(values), 0.0, 1.0) * 255.0).astype(np.uint8)
    return pixels
