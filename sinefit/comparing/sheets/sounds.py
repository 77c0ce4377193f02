"""The panels of a contact sheet of sounds: waveform, error, spectrogram and a detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.comparing.sheets.colours import heat
from sinefit.comparing.sheets.views import field_at, field_on, places_of, values_at
from sinefit.signals.grid import GridAxis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sinefit.fields.field import Field
    from sinefit.signals.signal import Signal

    Pixels = NDArray[np.uint8]
    Values = NDArray[np.float64]

HEADS: Final = ("waveform", "error", "spectrogram", "detail")
WIDTH, HEIGHT = 320, 160
"""Pixels of a panel."""
STRETCH: Final = 512
"""Samples that a spectrum of the spectrogram is of."""
DETAIL: Final = 80
"""Samples of the detail, in the loudest place."""
DEPTH: Final = 8.0
"""Decades of power that a spectrogram shows."""
WAVE: Final = (90, 170, 250)
REFERENCE: Final = (120, 120, 120)


def sound_rows(signal: Signal, fields: Sequence[Field]) -> tuple[list[list[Pixels]], str]:
    """Return the panels of the original and of each field, and what the scale of errors is."""
    places = places_of(signal.spec)
    original = _mono(values_at(signal, places))
    values = [_mono(field_at(field, places)) for field in fields]
    errors = [each - original for each in values]
    # Of the one in the middle: a field that failed must not hide what sets the others apart.
    worst = float(np.median([np.abs(np.nan_to_num(each)).max() for each in errors])) or 1.0
    spectra = [_spectrogram(each) for each in (original, *values)]
    top = float(spectra[0].max())
    count = min(DETAIL, len(original))
    first = _loudest(original, count)
    line = original[first : first + count]
    rows = [
        [
            _waveform(original, 1.0),
            _waveform(np.zeros(len(original)), 1.0),
            _resized(heat(1.0 + (spectra[0] - top) / DEPTH)),
            _lines([(line, WAVE)]),
        ]
    ]
    for field, each, error, spectrum in zip(fields, values, errors, spectra[1:], strict=True):
        (size,) = field.spec.shape
        fine = GridAxis(size, first + 0.5 - 0.5 * count / WIDTH, count / WIDTH, WIDTH)
        rows.append(
            [
                _waveform(each, 1.0),
                _waveform(error, worst),
                _resized(heat(1.0 + (spectrum - top) / DEPTH)),
                _lines([(line, REFERENCE), (_mono(field_on(field, (fine,))), WAVE)]),
            ]
        )
    return rows, (
        f"error: the edge is {worst:.1%} of the range; spectrogram: {DEPTH / 2:g} decades up to "
        "Nyquist; detail: the field on grey samples"
    )


def _mono(values: Values) -> Values:
    """Return the mean of the channels from -1 to 1."""
    mono: Values = 2.0 * values.mean(axis=-1) - 1.0
    return mono


def _loudest(values: Values, count: int) -> int:
    energy = np.pad(np.square(values), (1, 0)).cumsum()
    return int((energy[count:] - energy[:-count]).argmax())


def _waveform(values: Values, edge: float) -> Pixels:
    """Return the extent of the values in every column, `edge` at the top."""
    columns = np.array_split(np.nan_to_num(values), min(WIDTH, len(values)))
    high = np.array([column.max() for column in columns]) / edge
    low = np.array([column.min() for column in columns]) / edge
    rows = np.arange(HEIGHT)[:, None]
    top = np.floor((1.0 - high) / 2.0 * (HEIGHT - 1))
    bottom = np.ceil((1.0 - low) / 2.0 * (HEIGHT - 1))
    filled = (rows >= top) & (rows <= bottom)
    pixels: Pixels = (filled[..., None] * np.array(WAVE)).astype(np.uint8)
    return pixels


def _lines(lines: Sequence[tuple[Values, tuple[int, int, int]]]) -> Pixels:
    """Return lines through values from -1 to 1, drawn to the range of the first."""
    low, high = float(lines[0][0].min()), float(lines[0][0].max())
    span = (high - low) or 1.0
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for values, colour in lines:
        across = np.linspace(0.0, 1.0, WIDTH)
        at = np.interp(across, np.linspace(0.0, 1.0, len(values)), np.nan_to_num(values))
        level = 0.05 + 0.9 * (high - at) / span
        rows = np.rint(level * (HEIGHT - 1))
        before = np.concatenate([rows[:1], rows[:-1]])
        numbers = np.arange(HEIGHT)[:, None]
        drawn = (numbers >= np.minimum(rows, before)) & (numbers <= np.maximum(rows, before))
        pixels[drawn] = colour
    return pixels


def _spectrogram(values: Values) -> Values:
    """Return the logarithm of power (frequencies, times), the highest frequency first."""
    stretch = min(STRETCH, len(values))
    starts = np.linspace(0, len(values) - stretch, WIDTH).astype(np.int64)
    parts = np.nan_to_num(values)[starts[:, None] + np.arange(stretch)]
    window = np.hanning(stretch + 2)[1:-1]
    power = np.abs(np.fft.rfft(parts * window, axis=1)) ** 2
    return np.log10(power.T[::-1] + 1e-30)


def _resized(pixels: Pixels) -> Pixels:
    rows = np.linspace(0, len(pixels) - 1, HEIGHT).round().astype(np.int64)
    return pixels[rows]
