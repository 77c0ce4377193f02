"""A field as a small picture, whatever kind of signal it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.rendering.plan import RenderPlan
from sinefit.rendering.render import render_values
from sinefit.signals.grid import GridAxis

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.fields.field import Field

WAVE_COLOUR: Final = (90, 170, 250)
"""Of a waveform, on black."""
WAVE_SAMPLES: Final = 16
"""Samples at most that a column of a waveform shows the extent of."""


def small_picture(field: Field, columns: int, rows: int) -> NDArray[np.uint8]:
    """Evaluate a field as a picture (height, width, 3) of at most that many columns and rows.

    An image is shown on white where it has alpha, a video by its middle frame, an array of two axes
    and more by its last two in the middle of the others, three channels as colours and any other
    number by the first one. A sound, and all that has one axis, is shown as a waveform.
    """
    spec = field.spec
    if spec.axes == 1:
        return _waveform(field, columns, rows)
    *leading, height, width = spec.shape
    factor = min(1.0, columns / width, rows / height)
    axes = [GridAxis(size, float(size // 2), 1.0, 1) for size in leading]
    for size in (height, width):
        count = max(1, round(size * factor))
        axes.append(GridAxis(size, 0.0, size / count, count))
    values = _values(field, axes)
    values = values.reshape(axes[-2].count, axes[-1].count, spec.channels)
    if spec.alpha:
        opacity = values[..., -1:]
        values = values[..., :-1] * opacity + 1.0 - opacity
    if values.shape[-1] != 3:
        values = np.repeat(values[..., :1], 3, axis=-1)
    pixels: NDArray[np.uint8] = np.rint(values * 255.0).astype(np.uint8)
    return pixels


def _waveform(field: Field, columns: int, rows: int) -> NDArray[np.uint8]:
    """Return the extent of the values in every column, of all channels, between low and high."""
    (size,) = field.spec.shape
    width = min(columns, size)
    height = min(rows, max(1, width // 3))
    per_column = min(WAVE_SAMPLES, -(-size // width))
    count = width * per_column
    values = _values(field, [GridAxis(size, 0.0, size / count, count)])
    values = values.reshape(width, per_column * field.spec.channels)
    highest, lowest = values.max(axis=1), values.min(axis=1)
    row = np.arange(height)[:, None]
    top = np.minimum(height - 1, np.floor((1.0 - highest) * height))
    bottom = np.minimum(height - 1, np.floor((1.0 - lowest) * height))
    filled = (row >= top) & (row <= bottom)
    pixels: NDArray[np.uint8] = (filled[..., None] * np.array(WAVE_COLOUR)).astype(np.uint8)
    return pixels


def _values(field: Field, axes: list[GridAxis]) -> NDArray[np.float64]:
    """Return the values on a grid, 0 for the signal's low and 1 for its high, held between."""
    plan = RenderPlan(tuple(axes), field.spec.with_shape(tuple(axis.count for axis in axes)))
    outputs = np.concatenate(list(render_values(field, plan))).astype(np.float64)
    # A fit that diverges has no values any more, and is shown all the same.
    levels = (np.nan_to_num(outputs) - field.spec.target_low) / field.spec.target_range
    return np.clip(levels, 0.0, 1.0)
