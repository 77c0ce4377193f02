"""Which part of a file to read, and how to read what its content leaves open."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from sinefit.errors import SettingError
from sinefit.settings import setting, settle_settings
from sinefit.signals.signal import Domain  # noqa: TC001 (the settings read the annotation)
from sinefit.validation import file_name, number, seconds, whole_number, whole_numbers

ALPHA: Final = "alpha"
"""The mask that is a picture's own alpha channel."""
PART: Final = "What to fit"
"""The heading of these settings."""


def _skipped(name: str, value: object) -> float:
    seconds = number(name, value)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise SettingError(f"`{name}` is {seconds:g}: it must be 0 or more seconds")
    return seconds


def _rectangle(name: str, value: object) -> tuple[int, ...]:
    x, y, width, height = whole_numbers(name, value, 4)
    if x < 0 or y < 0 or width < 1 or height < 1:
        raise SettingError(
            f"`{name}` is {x},{y},{width},{height}: x and y must be 0 or more, "
            "width and height at least 1"
        )
    return x, y, width, height


@dataclass(frozen=True)
class Selection:
    """The part of a signal to keep, in the signal's own units."""

    start: float = field(
        default=0.0,
        metadata=setting(
            "Skip this much of a sound or video: 1.5s.", group=PART, form="TIME", check=_skipped
        ),
    )
    """Seconds to skip at the beginning of a sound or a video, at least 0."""
    duration: float | None = field(
        default=None,
        metadata=setting(
            "Keep this much of a sound or video.",
            group=PART,
            form="TIME",
            check=seconds,
        ),
    )
    """Seconds of a sound or a video to keep, greater than 0; None keeps the rest."""
    region: tuple[int, int, int, int] | None = field(
        default=None,
        metadata=setting(
            "Part of an image or video: X,Y,W,H in pixels.",
            group=PART,
            form="X,Y,W,H",
            check=_rectangle,
        ),
    )
    """x, y, width, height in pixels of the part of an image or video to keep, undownsampled."""
    downsample: int = field(
        default=1,
        metadata=setting(
            "Average N by N pixels of an image or video.", group=PART, form="N", check=whole_number
        ),
    )
    """Average blocks of this many by this many pixels of an image or a video into one."""
    grey: bool = field(
        default=False,
        metadata=setting("Colours of an image as the grey of their luma.", group=PART),
    )
    """An image's luma (ITU-R BT.601) in place of its colours."""
    channels_last: bool = field(
        default=False,
        metadata=setting("The last axis of an array holds channels.", group=PART),
    )
    """The last axis of an array holds channels instead of being a coordinate."""
    domain: Domain = field(
        default="grid",
        metadata=setting(
            "grid, or sphere: an array's axes are latitude, longitude.", group=PART, form="DOMAIN"
        ),
    )
    """"sphere" reads a two-axis array as latitude by longitude."""
    mask: str | None = field(
        default=None,
        metadata=setting(
            "Samples to fit: a picture, .npy or video that is not 0 there, or alpha, the picture's "
            "own; the field fills the others.",
            group=PART,
            form="FILE",
            unset="all but NaN",
            check=lambda name, value: str(file_name(name, value)),
        ),
    )
    """Name of a file that is 0 where samples are unknown, "alpha" for an image's own channel."""

    def __post_init__(self) -> None:
        settle_settings(self)
