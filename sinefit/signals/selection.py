"""Which part of a file to read, and how to read what its content leaves open."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.errors import SettingError
from sinefit.signals.signal import DOMAINS
from sinefit.validation import (
    check_choice,
    number,
    positive,
    settle,
    truth,
    whole_number,
    whole_numbers,
)

if TYPE_CHECKING:
    from sinefit.signals.signal import Domain


@dataclass(frozen=True)
class Selection:
    """The part of a signal to keep, in the signal's own units."""

    start: float = 0.0
    """Seconds to skip at the beginning of a sound or a video, at least 0."""
    duration: float | None = None
    """Seconds of a sound or a video to keep, greater than 0; None keeps the rest."""
    region: tuple[int, int, int, int] | None = None
    """x, y, width, height in pixels of the part of an image or video to keep, undownsampled."""
    downsample: int = 1
    """Average blocks of this many by this many pixels of an image or a video into one."""
    channels_last: bool = False
    """The last axis of an array holds channels instead of being a coordinate."""
    domain: Domain = "grid"
    """"sphere" reads a two-axis array as latitude by longitude."""

    def __post_init__(self) -> None:
        settle(self, start=number("start", self.start))
        if not (math.isfinite(self.start) and self.start >= 0):
            raise SettingError(f"`start` is {self.start:g}: it must be 0 or more seconds")
        if self.duration is not None:
            settle(self, duration=positive("duration", self.duration, "seconds"))
        if self.region is not None:
            settle(self, region=whole_numbers("region", self.region, 4))
            x, y, width, height = self.region
            if x < 0 or y < 0 or width < 1 or height < 1:
                raise SettingError(
                    f"`region` is {x},{y},{width},{height}: x and y must be 0 or more, "
                    "width and height at least 1"
                )
        settle(self, downsample=whole_number("downsample", self.downsample))
        settle(self, channels_last=truth("channels_last", self.channels_last))
        check_choice("domain", self.domain, DOMAINS)
