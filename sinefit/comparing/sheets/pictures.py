"""The panels of a contact sheet of pictures: value, error, spectrum and a detail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.comparing.sheets.colours import heat, pixels_of
from sinefit.comparing.sheets.views import field_at, field_on, places_of, values_at
from sinefit.signals.grid import GridAxis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sinefit.fields.field import Field
    from sinefit.signals.signal import Signal

    Pixels = NDArray[np.uint8]
    Values = NDArray[np.float64]

HEADS: Final = ("field", "error", "spectrum", "detail, 4 times as fine")
DETAIL: Final = 48
"""Samples along an edge of the detail."""
FINER: Final = 4
"""Points of a field per sample of the detail, along an edge."""
WORST: Final = 0.995
"""Share of the errors that the scale of colours holds."""
DEPTH: Final = 8.0
"""Decades of power that a spectrum shows."""


def picture_rows(signal: Signal, fields: Sequence[Field]) -> tuple[list[list[Pixels]], str]:
    """Return the panels of the original and of each field, and what the scale of errors is.

    Errors and spectra of all have one scale each.
    """
    places = places_of(signal.spec)
    original = values_at(signal, places)
    values = [field_at(field, places) for field in fields]
    errors = [np.abs(each - original).max(axis=-1) for each in values]
    # Of the one in the middle: a field that failed must not hide what sets the others apart.
    worst = float(np.median([np.quantile(np.nan_to_num(each), WORST) for each in errors])) or 1.0
    spectra = [_spectrum(each) for each in (original, *values)]
    top = float(spectra[0].max())
    corner = _corner(original)
    rows = [
        [
            pixels_of(original),
            heat(np.zeros(original.shape[:2])),
            heat(_shares(spectra[0], top)),
            # As large as those of the fields.
            pixels_of(_cut(original, corner)).repeat(FINER, axis=0).repeat(FINER, axis=1),
        ]
    ]
    for field, each, error, spectrum in zip(fields, values, errors, spectra[1:], strict=True):
        detail = field_on(field, _detail_axes(field, places, corner))
        rows.append(
            [
                pixels_of(each),
                heat(error / worst),
                heat(_shares(spectrum, top)),
                pixels_of(detail),
            ]
        )
    return rows, f"error: white is {worst:.1%} of the range; spectrum: {DEPTH / 2:g} decades"


def _spectrum(values: Values) -> Values:
    """Return the logarithm of the power of each frequency, the lowest in the middle."""
    grey = np.nan_to_num(values).mean(axis=-1)
    window = np.outer(*(np.hanning(size + 2)[1:-1] for size in grey.shape))
    power = np.abs(np.fft.fftshift(np.fft.fft2((grey - grey.mean()) * window))) ** 2
    return np.log10(power + 1e-30)


def _shares(spectrum: Values, top: float) -> Values:
    return 1.0 + (spectrum - top) / DEPTH


def _corner(values: Values) -> tuple[int, int]:
    """Return where the busiest part of a picture begins, by the differences of neighbours."""
    grey = values.mean(axis=-1)
    busy = np.zeros(grey.shape)
    busy[:, 1:] += np.abs(np.diff(grey, axis=1))
    busy[1:] += np.abs(np.diff(grey, axis=0))
    height, width = (min(DETAIL, size) for size in grey.shape)
    sums = np.pad(busy.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    total = (sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width]) + sums[
        :-height, :-width
    ]
    row, column = np.unravel_index(int(total.argmax()), total.shape)
    return int(row), int(column)


def _cut(values: Values, corner: tuple[int, int]) -> Values:
    row, column = corner
    return values[row : row + DETAIL, column : column + DETAIL]


def _detail_axes(
    field: Field, places: Sequence[range], corner: tuple[int, int]
) -> tuple[GridAxis, ...]:
    """Return the grid of the detail, finer than that of the samples which are shown."""
    *leading, _, _ = places
    axes = [
        GridAxis(size, float(along[0]), 1.0, 1)
        for size, along in zip(field.spec.shape, leading, strict=False)
    ]
    for size, along, first in zip(field.spec.shape[-2:], places[-2:], corner, strict=True):
        count = min(DETAIL, len(along))
        start = along[first] + 0.5 - along.step / 2
        axes.append(GridAxis(size, start, along.step / FINER, count * FINER))
    return tuple(axes)
