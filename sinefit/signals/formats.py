"""All formats that are read and written, by the kind of signal they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.signals.array import ARRAY_FORMATS
from sinefit.signals.audio_formats import AUDIO_FORMATS
from sinefit.signals.image_formats import IMAGE_FORMATS
from sinefit.signals.video_formats import VIDEO_FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.signals.signal import Kind

FORMATS: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {
    "image": IMAGE_FORMATS,
    "audio": AUDIO_FORMATS,
    "video": VIDEO_FORMATS,
    "array": ARRAY_FORMATS,
}
"""Kind -> format name -> endings of file names with the dot, the usual one first."""


def kinds_of(format: str) -> tuple[Kind, ...]:
    """Return the kinds of signal that a format can hold, empty for an unknown format."""
    return tuple(kind for kind, formats in FORMATS.items() if format in formats)


def supported_formats() -> str:
    """Name the formats of all kinds in one line, for messages."""
    return "; ".join(f"{kind} {', '.join(formats)}" for kind, formats in FORMATS.items())
