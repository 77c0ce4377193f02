"""Signals with fewer samples, and where those that are missing lie on the grid of the rest."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.errors import SettingError
from sinefit.signals.grid import GridAxis, native_axis
from sinefit.signals.signal import NOUNS, Signal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.signals.signal import SignalSpec

FEWEST: Final = 8
"""Samples along an axis that are left at least."""
LOBES: Final = 24
"""Zeros of the sinc on each side by which sounds are filtered."""
ATTENUATION: Final = 8.0
"""Shape of the window around it: about 80 dB below outside the band."""
BAND: Final = 0.92
"""Share of the lower Nyquist frequency where a slower sound has fallen to half."""


def reduced(signal: Signal, factor: int) -> tuple[Signal, Signal]:
    """Return a signal with a `factor` of fewer samples, and the part of the original it stands for.

    A pixel is the mean over factor x factor pixels of the original, a sound has a lower rate and
    nothing that this cannot carry, of a video every factor-th frame is left. Values have the
    original's type. Raises SettingError for arrays, and where too few samples would be left.
    """
    spec = signal.spec
    if spec.kind == "array":
        raise SettingError(f"`reduce` is for pictures, sounds and videos, not for {NOUNS['array']}")
    if factor < 2:
        raise SettingError(f"`reduce` is {factor}: it must be at least 2")
    counts = spec.shape[: {"image": 2, "audio": 1, "video": 1}[spec.kind]]
    least = min(counts) // factor
    if least < FEWEST:
        raise SettingError(
            f"`reduce` is {factor}: it would leave {least} samples along an axis; it must leave "
            f"{FEWEST}"
        )
    if spec.kind == "video":
        last = (spec.shape[0] - 1) // factor * factor
        whole = _part(signal, last + 1)
        fewer = signal.samples[: last + 1 : factor]
        rate = None if spec.rate is None else spec.rate / factor
        return _like(spec, fewer, rate), whole
    whole = _part(signal, *(count // factor * factor for count in counts))
    values = whole.spec.to_unit(whole.samples)
    if spec.kind == "image":
        rows, columns = (size // factor for size in whole.spec.shape)
        cells = values.reshape(rows, factor, columns, factor, -1)
        means = cells.mean(axis=(1, 3), dtype=np.float64)
        return _like(spec, spec.store(means), None), whole
    return _sound(whole, values, factor), whole


def render_axes(spec: SignalSpec, factor: int) -> tuple[GridAxis, ...]:
    """Return the grid of the original's samples on the domain of the reduced signal `spec`."""
    if spec.kind == "video":
        # Frames that are left are where they were: the first and the last of the original's.
        frames = spec.shape[0]
        time = GridAxis(frames, 0.5 - 0.5 / factor, 1.0 / factor, factor * (frames - 1) + 1)
        return (time, *map(native_axis, spec.shape[1:]))
    return tuple(GridAxis(size, 0.0, 1.0 / factor, size * factor) for size in spec.shape)


def slower(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return a sound (samples, channels) at a `factor` of its rate, without what is above.

    A sample lies in the middle of `factor` of the original's.
    """
    return _filtered(values, (factor - 1) / 2, factor, len(values) // factor, BAND / factor)


def faster(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return a sound (samples, channels) at `factor` times its rate, and nothing above its band."""
    found = np.empty((len(values) * factor, *values.shape[1:]), np.float32)
    for phase in range(factor):
        first = (phase + 0.5) / factor - 0.5
        found[phase::factor] = _filtered(values, first, 1, len(values), 1.0)
    return found


def _filtered(
    values: NDArray[np.float32], first: float, step: int, count: int, cutoff: float
) -> NDArray[np.float32]:
    """Return a sound at the positions first + i step, by a sinc in a window of Kaiser.

    `cutoff` is a share of the Nyquist frequency. Beyond its ends the sound stands still.
    """
    reach = math.ceil(LOBES / cutoff)
    whole = math.floor(first)
    offsets = np.arange(-reach, reach + 2) - (first - whole)
    window = np.i0(ATTENUATION * np.sqrt(np.clip(1 - (offsets / (reach + 1)) ** 2, 0.0, None)))
    weights = np.sinc(cutoff * offsets) * window
    weights /= weights.sum()
    behind = whole + (count - 1) * step + reach + 2 - len(values)
    padded = np.pad(values, ((reach - whole, max(0, behind)), (0, 0)), mode="edge")
    rows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=0)
    found: NDArray[np.float32] = rows[: (count - 1) * step + 1 : step] @ weights.astype(np.float32)
    return found


def _sound(whole: Signal, values: NDArray[np.float32], factor: int) -> Signal:
    spec = whole.spec
    rate = None if spec.rate is None else spec.rate / factor
    if rate is not None and rate.denominator != 1:
        rate = Fraction(max(1, round(rate)))  # sound files hold whole rates only
    return _like(spec, spec.store(slower(values, factor)), rate)


def _part(signal: Signal, *counts: int) -> Signal:
    """Return the first samples along the first axes."""
    samples = signal.samples[tuple(slice(count) for count in counts)]
    return Signal(signal.spec.with_shape(samples.shape[:-1]), samples)


def _like(spec: SignalSpec, samples: NDArray[np.generic], rate: Fraction | None) -> Signal:
    changed = replace(spec, shape=samples.shape[:-1], rate=rate, soundtrack=None, source_bytes=None)
    return Signal(changed, np.ascontiguousarray(samples))
