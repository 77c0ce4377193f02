"""The values that a contact sheet shows: of a signal, and of a field at the same samples."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.fitting.lattice import axis_of
from sinefit.rendering.plan import RenderPlan
from sinefit.rendering.render import render_values
from sinefit.signals.storage import in_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sinefit.fields.field import Field
    from sinefit.signals.grid import GridAxis
    from sinefit.signals.signal import Signal, SignalSpec

    Values = NDArray[np.float64]

LONGEST: Final = 1024
"""Samples along an edge of a picture that are looked at; a larger one is thinned to them."""
LONGEST_SOUND: Final = 2**20
"""Samples of a sound, from its beginning."""


def places_of(spec: SignalSpec) -> tuple[range, ...]:
    """Return the samples that a sheet shows, along each axis.

    Of a picture all, thinned where it is large; of a video the middle frame, of an array its last
    two axes in the middle of the others; of a sound the beginning.
    """
    if spec.axes == 1:
        return (range(min(spec.shape[0], LONGEST_SOUND)),)
    *leading, height, width = spec.shape
    step = max(1, math.ceil(max(height, width) / LONGEST))
    middles = tuple(range(size // 2, size // 2 + 1) for size in leading)
    return (*middles, range(0, height, step), range(0, width, step))


def values_at(signal: Signal, places: Sequence[range]) -> Values:
    """Return a signal's values at these samples, 0 for its low and 1 for its high.

    They have the shape (height, width, channels), or (count, channels) of one axis.
    """
    index = tuple(slice(each.start, each.stop, each.step) for each in places)
    return _shaped((signal.spec.to_unit(in_memory(signal.samples[index])) + 1.0) / 2.0, signal.spec)


def field_at(field: Field, places: Sequence[range]) -> Values:
    """Return a field's values at these samples of its signal, as `values_at` does."""
    sizes = zip(field.spec.shape, places, strict=True)
    return field_on(field, tuple(axis_of(size, along) for size, along in sizes))


def field_on(field: Field, axes: tuple[GridAxis, ...]) -> Values:
    """Return a field's values on a grid, as `values_at` does."""
    spec = replace(field.spec, shape=tuple(axis.count for axis in axes))
    pieces = list(render_values(field, RenderPlan(axes, spec)))
    return _shaped((np.concatenate(pieces).astype(np.float64) + 1.0) / 2.0, field.spec)


def _shaped(values: NDArray[np.floating], spec: SignalSpec) -> Values:
    """Drop the axes of which one sample is looked at, and show alpha on white."""
    found = values.astype(np.float64)
    if spec.axes > 1:
        found = found.reshape(*found.shape[-3:])
    if spec.alpha:
        opacity = found[..., -1:]
        found = found[..., :-1] * opacity + 1.0 - opacity
    return found
