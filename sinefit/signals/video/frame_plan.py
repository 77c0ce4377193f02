"""Which frames of a video are kept, where in time they lie, and the room they are put into."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from sinefit.errors import InputError, SettingError
from sinefit.signals.image.pixels import check_downsample, crop, downsample, downsampled_size
from sinefit.signals.signal import SignalSpec
from sinefit.signals.storage import allocate_samples, let_go
from sinefit.signals.video.frame_rate import find_rate, frame_count, nearest_frames, typical_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.signals.limits import Limits
    from sinefit.signals.selection import Selection

MOST_FRAMES = 2**21
"""Frames that a video may span, 19 hours at 30 per second; a gap in time is filled with frames."""

HIGHEST_RATE = Fraction(2**20)
"""Frames per second, and seconds per frame, beyond which the times are taken for damaged."""


@dataclass(frozen=True)
class FrameTimes:
    """When the frames of a video are shown."""

    times: list[int]
    """Ascending times of the frames, in units of `time_base`, from the start of the file."""
    time_base: Fraction
    """Seconds per unit."""
    last_duration: int
    """How long the last frame is shown, in units; 0 when the file does not say."""

    def seconds(self, index: int) -> float:
        """Return the time of one frame in seconds."""
        return float(self.times[index] * self.time_base)


@dataclass(frozen=True)
class FramePlan:
    """Which frames to decode and where in time they lie."""

    rate: Fraction
    shown: list[int]
    """For each frame of the signal the index of the frame in the file; ascending."""
    to_the_end: bool
    """Whether the last frame in the file is among them."""
    begin: float
    """Seconds from the start of the file to the first frame of the signal."""
    seek: float
    """Seconds to seek to before decoding: between the first frame to decode and the one before."""
    cut: bool
    """Whether the clip is shorter than the file."""
    notices: tuple[str, ...]


def plan_frames(
    frames: FrameTimes, hints: list[float], name: str, selection: Selection
) -> FramePlan:
    """Choose the frame rate and the frames to keep.

    `hints` are rates that the file claims. Raises InputError, which calls the file `name`, for
    times that are no times of a video, and SettingError when the selection lies outside.
    """
    rate = find_rate(frames.times, frames.time_base, hints, frames.last_duration)
    notices: tuple[str, ...] = ()
    if rate is None:
        rate = typical_rate(frames.times, frames.time_base, hints)
        _check_plausible(rate, frame_count(frames.times, frames.time_base, rate), name)
        shown = nearest_frames(frames.times, frames.time_base, rate)
        kept = len(set(shown))
        change = f"{name}: its variable frame rate becomes {float(rate):g} frames per second"
        notices = (f"{change}; {kept} of {len(frames.times)} frames fill {len(shown)}",)
    else:
        _check_plausible(rate, len(frames.times), name)
        shown = list(range(len(frames.times)))
    # Bounded before it is rounded: any finite number of seconds may be asked for.
    first = round(min(selection.start * rate, len(shown)))
    if first >= len(shown):
        length = float(len(shown) / rate)
        raise SettingError(
            f"`start` is {selection.start:g}: {name} is only {length:g} seconds long"
        )
    last = len(shown)
    if selection.duration is not None:
        last = first + max(1, round(min(selection.duration * rate, last - first)))
    start = frames.times[0] * frames.time_base + first / rate
    index = shown[first]
    return FramePlan(
        rate=rate,
        shown=shown[first:last],
        to_the_end=shown[last - 1] == len(frames.times) - 1,
        begin=float(start) if notices else frames.seconds(index),
        seek=(frames.seconds(index - 1) + frames.seconds(index)) / 2 if index else 0.0,
        cut=last - first < len(shown),
        notices=notices,
    )


def _check_plausible(rate: Fraction, count: int, name: str) -> None:
    """Raise InputError when the times of frames are no times of a video."""
    if not 1 / HIGHEST_RATE <= rate <= HIGHEST_RATE:
        raise InputError(
            f"{name} is damaged: its frames come at {float(rate):g} per second; re-encode it"
        )
    if count > MOST_FRAMES:
        raise InputError(
            f"{name} is damaged or too long: its times of frames span {count} of them; "
            "cut it into parts"
        )


class FrameStore:
    """Takes the frames of a file from `plan.shown[0]` on and keeps those that are planned.

    `samples` (frames, height, width, 3) are RGB, cut and averaged as the selection says.
    """

    def __init__(
        self,
        plan: FramePlan,
        size: tuple[int, int],
        name: str,
        selection: Selection,
        limits: Limits,
    ) -> None:
        """Make room for the frames of a video of `size`, width and height.

        Raises InputError, which calls the file `name`, when they are larger than `limits`, and
        SettingError when the selection averages more pixels than a side has.
        """
        self._shown = [index - plan.shown[0] for index in plan.shown]
        self._selection = selection
        self._name = name
        width, height = size if selection.region is None else selection.region[2:]
        factor = selection.downsample
        check_downsample(factor, width, height, name)
        rows, columns = downsampled_size(height, factor), downsampled_size(width, factor)
        shape = (len(plan.shown), rows, columns, 3)
        limits.check_samples(shape, np.uint8, name)
        self.samples: NDArray[np.uint8] = allocate_samples(shape, np.uint8)
        self.wanted = self._shown[-1] + 1
        """How many frames of the file are to come."""
        self.done = 0
        """How many have come."""
        self.opaque = True
        """Whether no frame so far was transparent anywhere."""
        self._placed = 0

    def add(self, frames: NDArray[np.generic]) -> None:
        """Take the next frames (count, height, width, 3 or 4)."""
        if self._selection.region is not None:
            frames = crop(frames, self._selection.region, self._name)
        self.opaque = self.opaque and bool((frames[..., 3:] == 255).all())
        pixels = downsample(frames[..., :3], self._selection.downsample)
        for index in range(len(pixels)):
            while (
                self._placed < len(self._shown) and self._shown[self._placed] == self.done + index
            ):
                self.samples[self._placed] = pixels[index]
                self._placed += 1
        self.done += len(pixels)
        let_go(self.samples)

    def notices(self, name: str) -> list[str]:
        """Say what of the frames was not kept."""
        return [] if self.opaque else [f"{name}: its transparency is left out"]

    def spec(self, format: str, rate: Fraction, soundtrack: bytes | None = None) -> SignalSpec:
        """Describe the frames as a video that came from `format`."""
        return SignalSpec(
            kind="video",
            shape=self.samples.shape[:3],
            channels=3,
            dtype="uint8",
            low=0.0,
            high=255.0,
            format=format,
            bit_depth=8,
            rate=rate,
            soundtrack=soundtrack,
        )
