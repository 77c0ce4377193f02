"""All formats that are read and written, by the kind of signal they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.signals.array import ARRAY_FORMATS, ARRAY_WRITTEN
from sinefit.signals.audio_formats import AUDIO_FORMATS, AUDIO_WRITTEN
from sinefit.signals.image_formats import IMAGE_FORMATS, IMAGE_WRITTEN
from sinefit.signals.video_formats import VIDEO_FORMATS, VIDEO_WRITTEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.signals.signal import Kind

FORMATS: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {
    "image": IMAGE_FORMATS,
    "video": VIDEO_FORMATS,
    "audio": AUDIO_FORMATS,
    "array": ARRAY_FORMATS,
}
"""Kind -> format name -> endings of file names with the dot, the usual one first.

A format of several kinds is of the first of them unless its content tells otherwise.
"""

WRITTEN: Mapping[Kind, tuple[str, ...]] = {
    "image": IMAGE_WRITTEN,
    "video": VIDEO_WRITTEN,
    "audio": AUDIO_WRITTEN,
    "array": ARRAY_WRITTEN,
}
"""Kind -> the names of the formats that signals are written in, the default first."""


def kinds_of(format: str) -> tuple[Kind, ...]:
    """Return the kinds of signal that a format can hold, empty for an unknown format."""
    return tuple(kind for kind, formats in FORMATS.items() if format in formats)


def supported_formats() -> str:
    """Name the formats of all kinds in one line, for messages."""
    return "; ".join(f"{kind} {', '.join(formats)}" for kind, formats in FORMATS.items())
