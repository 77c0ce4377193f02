"""A picture to measure on where none is given, and pictures reduced to a size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.signals.signal import Signal, SignalSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAME: Final = "drawn.png"
"""What the drawn picture is called."""
_COLOUR: Final = 0.25
"""Share of a colour channel that is its own; the rest is common to all, as in photographs."""


def draw_picture(height: int, width: int, seed: int = 0) -> Signal:
    """Draw an RGB picture of 8 bits, the same for the same seed.

    It is noise whose amplitude falls as one over the frequency, as that of natural scenes does
    (Field, 1987, "Relations between the statistics of natural images and the response properties of
    cortical cells", J. Opt. Soc. Am. A).
    """
    generator = np.random.default_rng(seed)
    common = _noise(height, width, generator)
    channels = [
        (1.0 - _COLOUR) * common + _COLOUR * _noise(height, width, generator) for _ in range(3)
    ]
    values = np.stack(channels, axis=-1)
    values = (values - values.min()) / (np.ptp(values) or 1.0)
    spec = SignalSpec("image", (height, width), 3, "uint8", 0.0, 255.0, "png", 8, source=NAME)
    return Signal(spec, np.rint(values * 255.0).astype(np.uint8))


def reduce_picture(signal: Signal, height: int, width: int) -> Signal:
    """Return a picture averaged over the blocks that cut it into `height` rows and `width` columns.

    Borders of blocks are rounded down to whole pixels; a side that is shorter already stays.
    """
    rows, columns = signal.spec.shape
    height, width = min(height, rows), min(width, columns)
    upper = np.arange(height) * rows // height
    left = np.arange(width) * columns // width
    sums = np.add.reduceat(signal.samples.astype(np.float64), upper, axis=0)
    sums = np.add.reduceat(sums, left, axis=1)
    counts = np.diff(upper, append=rows)[:, None] * np.diff(left, append=columns)[None, :]
    means = sums / counts[..., None]
    kind = np.dtype(signal.spec.dtype)
    if np.issubdtype(kind, np.integer):
        means = np.rint(means)
    return Signal(replace(signal.spec, shape=(height, width)), means.astype(kind))


def _noise(height: int, width: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return noise with a spectrum of 1/f, mean 0 and standard deviation 1 (height, width)."""
    white = np.fft.rfft2(generator.standard_normal((height, width)))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(white / frequency, s=(height, width))
    return np.asarray(noise / (noise.std() or 1.0))
