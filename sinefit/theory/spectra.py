"""The spectrum of a signal, as far as the choice of a network's frequencies needs it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.signals.signal import Signal

MAX_LINES: Final = 256
"""Lines along an axis that are looked at, unless fewer are asked for; they suffice for a centroid
within a few percent."""
MAX_LENGTH: Final = 4096
"""Samples per line; a longer axis is looked at in stretches of this length."""
NOISE_SPREAD: Final = 1.5
"""Times its median power from which on a frequency of a noisy signal counts as more than noise."""
MAX_ROW: Final = 2**20
"""Samples of a row that WINNER's centroid is taken of, from the beginning."""


def axis_centroids(
    signal: Signal, lines: int = MAX_LINES, *, noisy: bool = False
) -> tuple[float, ...]:
    """Return the mean frequency along each axis of the sampling grid, in cycles per sample.

    The mean is weighted by the magnitude of the spectrum, over windowed lines without their means,
    at most `lines` along each axis, evenly spread over the signal; 0 for an axis along which
    nothing changes. From 0 to 0.5. Of a `noisy` signal that is without the power of white noise,
    taken to be the median power of the upper half of the frequencies.
    """
    return tuple(_axis_centroid(signal, axis, lines, noisy) for axis in range(signal.spec.axes))


def row_centroid(signal: Signal) -> float:
    """Return WINNER's spectral centroid, in cycles per sample: psi in its paper.

    The magnitude-weighted mean frequency of each row along the last axis, no window, averaged over
    rows and channels. Of rows longer than `MAX_ROW` the beginning is taken, to bound memory.
    """
    spec = signal.spec
    rows = signal.samples.reshape(-1, spec.shape[-1], spec.channels)
    chosen = np.unique(np.linspace(0, len(rows) - 1, MAX_LINES).astype(np.int64))
    values = spec.to_unit(rows[chosen, :MAX_ROW])  # (rows, length, channels)
    magnitude = np.abs(np.fft.rfft(values, axis=1))
    total = magnitude.sum(axis=1)  # (rows, channels)
    weighted = np.einsum("rfc,f->rc", magnitude, np.fft.rfftfreq(values.shape[1]))
    return float(np.divide(weighted, total, out=np.zeros_like(total), where=total > 0).mean())


def _axis_centroid(signal: Signal, axis: int, most: int, noisy: bool) -> float:
    # In float64 the mean of equal values is that value, so that a constant has no spectrum.
    lines = _lines(signal, axis, most).astype(np.float64)  # (lines, length, channels)
    length = lines.shape[1]
    if length < 2:
        return 0.0
    window = np.hanning(length + 2)[1:-1]  # without the zeros at its ends
    centred = (lines - lines.mean(axis=1, keepdims=True)) * window[:, None]
    magnitude = np.abs(np.fft.rfft(centred, axis=1))
    if noisy:
        power = np.square(magnitude).mean(axis=(0, 2))
        floor = np.median(power[len(power) // 2 :])
        magnitude = np.sqrt(np.maximum(power - NOISE_SPREAD * floor, 0.0))
    else:
        magnitude = magnitude.sum(axis=(0, 2))  # (frequencies,)
    total = float(magnitude.sum())
    if total == 0.0:
        return 0.0
    return float((magnitude * np.fft.rfftfreq(length)).sum()) / total


def _lines(signal: Signal, axis: int, most: int) -> NDArray[np.float32]:
    """Return lines along an axis, evenly spread over the others: (lines, length, channels)."""
    spec = signal.spec
    moved = np.moveaxis(signal.samples, axis, -2)  # (*others, length, channels)
    others, length = moved.shape[:-2], moved.shape[-2]
    stretches = max(1, length // MAX_LENGTH)
    total = math.prod(others) * stretches
    numbers = np.arange(min(most, total))
    if total > most:
        # Steps of the golden ratio spread over every axis, where equal ones could follow just one.
        golden = (math.sqrt(5.0) - 1.0) / 2.0
        numbers = (numbers * golden % 1.0 * total).astype(np.int64)
    stretch, number = np.divmod(numbers, math.prod(others))
    chosen = np.unravel_index(number, others or (1,))
    if stretches == 1:
        moved = moved[..., :MAX_LENGTH, :]
        return spec.to_unit(moved[chosen] if others else moved[None])
    taken = []
    for line, start in enumerate(stretch * MAX_LENGTH):
        index = tuple(part[line] for part in chosen) if others else ()
        taken.append(moved[index][start : start + MAX_LENGTH])
    return spec.to_unit(np.stack(taken))
