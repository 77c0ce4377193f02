"""The original that a page holds beside the field: a PNG of 8 bits, reduced where it is large."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from sinefit.errors import SettingError
from sinefit.signals.signal import NOUNS

if TYPE_CHECKING:
    from sinefit.signals.signal import Signal, SignalSpec

MOST_PIXELS: Final = 2**21
"""Pixels of the original in a page; a larger one is reduced by a whole factor."""
_MODES: Final = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class Original:
    """A picture for a page."""

    png: bytes
    factor: int
    """By how much it was reduced along each side."""


def original_of(signal: Signal, spec: SignalSpec) -> Original:
    """Return an original for the page of a field that was fitted to `spec`.

    Raises SettingError for a signal of another kind, other channels or another shape: its sides may
    be larger or smaller by one factor.
    """
    own = signal.spec
    if spec.axes != 2 or spec.channels not in _MODES:
        raise SettingError(f"an original is shown beside a picture: this is {NOUNS[spec.kind]}")
    name = own.source or "the original"
    if (own.kind, own.channels, own.axes) != (spec.kind, spec.channels, spec.axes):
        raise SettingError(
            f"{name} is {NOUNS[own.kind]} of {own.channels} channels, the field {NOUNS[spec.kind]} "
            f"of {spec.channels}: name the file that was fitted"
        )
    (height, width), (rows, columns) = own.shape, spec.shape
    # Of sides that were reduced or cut by less than a sample of the smaller one.
    if abs(height * columns - width * rows) > max(height, rows, width, columns):
        raise SettingError(
            f"{name} has {width}x{height} samples, the field {columns}x{rows}: name the file that "
            "was fitted"
        )
    unit = spec.to_unit(signal.samples).astype(np.float64)
    levels = (unit - spec.target_low) / spec.target_range
    pixels = np.rint(np.clip(levels, 0.0, 1.0) * 255.0).astype(np.uint8)
    picture = Image.fromarray(pixels[..., 0] if spec.channels == 1 else pixels)
    factor = 1
    while height * width > MOST_PIXELS * factor**2:
        factor += 1
    if factor > 1:
        picture = picture.reduce(factor)
    content = io.BytesIO()
    picture.save(content, "png", optimize=True)
    return Original(content.getvalue(), factor)
