"""Videos: decoded frame by frame through ffmpeg, with their sound carried along unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from sinefit.errors import InputError, SettingError
from sinefit.signals.ffmpeg import FFmpeg, input_arguments
from sinefit.signals.frame_rate import find_rate, frame_count, nearest_frames, typical_rate
from sinefit.signals.gif import find_gif_truncation
from sinefit.signals.limits import DEFAULT_LIMITS
from sinefit.signals.pixels import (
    check_downsample,
    check_region,
    crop,
    downsample,
    downsampled_size,
)
from sinefit.signals.signal import Signal, SignalSpec
from sinefit.signals.storage import allocate_samples
from sinefit.signals.video_formats import VIDEO_FORMATS, check_video_writable
from sinefit.signals.video_probe import DEMUXERS, limited_input, probe_video, read_frame_times
from sinefit.signals.video_writer import VideoWriter

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.limits import Limits
    from sinefit.signals.selection import Selection
    from sinefit.signals.video_probe import FrameTimes, VideoHeader

__all__ = ["VIDEO_FORMATS", "VideoWriter", "check_video_writable", "read_video"]

BATCH_BYTES = 2**24
"""Bytes of decoded frames that are held besides the samples themselves."""

HD_HEIGHT = 720
"""From this many rows on, a video that does not state its colour matrix has that of BT.709."""

SOUND_LEAD = 0.05
"""Seconds by which sound may begin before a whole clip's picture and still be copied whole."""

MOST_FRAMES = 2**21
"""Frames that a video may span, 19 hours at 30 per second; a gap in time is filled with frames."""

HIGHEST_RATE = Fraction(2**20)
"""Frames per second, and seconds per frame, beyond which the times are taken for damaged."""

LARGEST_SOUND = 2**30
"""Bytes of sound streams that are carried along; a weights file holds twice that."""

_DECODED_SCALE = "scale=flags=bicubic+accurate_rnd+full_chroma_int"


def read_video(
    source: Path,
    name: str,
    format: str,
    selection: Selection,
    limits: Limits = DEFAULT_LIMITS,
) -> Signal:
    """Read a video as uint8 RGB samples of shape (frames, height, width, 3).

    `format` is a name in VIDEO_FORMATS; nothing else is tried. The frame rate is exact; a variable
    one becomes constant. Sound is copied unchanged into the spec's soundtrack. What is reduced or
    left out is said in the notices. Raises InputError, which calls the file `name`, when it is
    damaged, cut short, larger than `limits` or holds no video, and SettingError when the selection
    lies outside.
    """
    truncation = find_gif_truncation(source) if format == "gif" else None
    if truncation is not None:
        raise InputError(f"{name} is cut short: {truncation}; get a complete copy")
    header = probe_video(source, name, format, limits)
    if selection.region is not None:
        check_region(selection.region, header.width, header.height, name)
    for decode in (False, True):
        frames = read_frame_times(source, name, format, decode=decode, limits=limits)
        if frames is None:
            continue
        plan = _plan(frames, header, name, selection)
        decoded = _decode(source, name, format, header, plan, selection, limits)
        if decoded is not None:
            break
    else:
        raise InputError(f"{name} is damaged: not all of its frames can be decoded; re-encode it")
    samples, decoder_notices = decoded
    soundtrack, sound_notices = _read_soundtrack(source, name, format, header, plan)
    spec = SignalSpec(
        kind="video",
        shape=samples.shape[:3],
        channels=3,
        dtype="uint8",
        low=0.0,
        high=255.0,
        format=format,
        bit_depth=8,
        rate=plan.rate,
        soundtrack=soundtrack,
    )
    notices = (*_header_notices(header, name), *plan.notices, *decoder_notices, *sound_notices)
    return Signal(spec, samples, notices)


@dataclass(frozen=True)
class _Plan:
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


def _plan(frames: FrameTimes, header: VideoHeader, name: str, selection: Selection) -> _Plan:
    """Choose the frame rate and the frames to keep."""
    hints = list(header.claimed_rates)
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
    return _Plan(
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


def _decode(
    source: Path,
    name: str,
    format: str,
    header: VideoHeader,
    plan: _Plan,
    selection: Selection,
    limits: Limits,
) -> tuple[NDArray[np.uint8], list[str]] | None:
    """Decode the planned frames; None when the file turns out to hold others than were listed."""
    offset = plan.shown[0]
    wanted = plan.shown[-1] - offset + 1
    channels = 4 if header.transparent else 3
    seek = ("-ss", f"{plan.seek:.6f}") if plan.seek > 0 else ()
    scale = _DECODED_SCALE
    if header.height >= HD_HEIGHT and not header.states_matrix:
        scale += ":in_color_matrix=bt709"
    arguments = [
        *limited_input(source, format, limits, *seek),
        *("-map", "0:V:0", "-fps_mode", "passthrough"),
        *("-vf", f"{scale},format={'rgba' if header.transparent else 'rgb24'}"),
        *(() if plan.to_the_end else ("-frames:v", str(wanted))),
        *("-f", "rawvideo", "pipe:1"),
    ]
    width, height = header.width, header.height
    if selection.region is not None:
        width, height = selection.region[2:]
    check_downsample(selection.downsample, width, height, name)
    width = downsampled_size(width, selection.downsample)
    height = downsampled_size(height, selection.downsample)
    shape = (len(plan.shown), height, width, 3)
    limits.check_samples(shape, np.uint8, name)
    samples: NDArray[np.uint8] = allocate_samples(shape, np.uint8)
    frame_bytes = header.height * header.width * channels
    batch = np.empty(
        (max(1, BATCH_BYTES // frame_bytes), header.height, header.width, channels), np.uint8
    )
    done = 0
    placed = 0
    opaque = True
    with FFmpeg(arguments) as process:
        while done <= wanted:
            count, rest = divmod(process.read_into(batch.data.cast("B")), frame_bytes)
            if count == 0 or rest:
                done += count
                break
            pixels: NDArray[np.generic] = batch[:count]
            if selection.region is not None:
                pixels = crop(pixels, selection.region, name)
            opaque = opaque and (channels == 3 or bool((pixels[..., 3] == 255).all()))
            pixels = downsample(pixels[..., :3], selection.downsample)
            for index in range(count):
                while placed < len(plan.shown) and plan.shown[placed] - offset == done + index:
                    samples[placed] = pixels[index]
                    placed += 1
            done += count
        if done > wanted:
            return None  # it still has frames to give, and would wait for ever for a reader
        well = process.finish()
        complaints = process.complaints
        complaint = process.complaint
    if done != wanted or not well:
        if complaints:
            raise InputError(
                f"{name} is damaged: {min(done, wanted)} of {wanted} frames can be decoded "
                f"({complaint}); get another copy"
            )
        return None
    notices = []
    if not opaque:
        notices.append(f"{name}: its transparency is left out")
    if complaints:
        notices.append(f"{name}: some frames may be damaged, the decoder reported: {complaint}")
    return samples, notices


def _header_notices(header: VideoHeader, name: str) -> list[str]:
    """Say what of the picture is not kept."""
    notices = []
    if header.deep:
        notices.append(f"{name}: its {header.pixel_format} samples are reduced to 8 bits")
    if header.high_dynamic_range:
        notices.append(f"{name}: its high dynamic range is not tone-mapped; colours will look flat")
    if header.pixel_aspect != 1:
        ratio = header.pixel_aspect
        notices.append(
            f"{name}: its pixels of {ratio.numerator}:{ratio.denominator} are taken as square"
        )
    if header.video_streams > 1:
        notices.append(f"{name}: the first of its {header.video_streams} video streams is used")
    if header.hidden_alpha:
        notices.append(f"{name}: its transparency is left out")
    return notices


def _read_soundtrack(
    source: Path,
    name: str,
    format: str,
    header: VideoHeader,
    plan: _Plan,
) -> tuple[bytes | None, list[str]]:
    """Copy the sound streams into a Matroska file in memory, cut to packets where the clip is."""
    if not header.sound_codecs:
        return None, []
    span: list[str] = []
    exact: tuple[str, ...] = ()
    if plan.begin > (0 if plan.cut else SOUND_LEAD):
        span += ["-ss", f"{plan.begin:.6f}"]
        # Else the sound would begin where the picture's previous key frame lies.
        exact = ("-copypriorss", "0")
    if plan.cut:
        span += ["-t", f"{float(len(plan.shown) / plan.rate):.6f}"]
    arguments = [
        *input_arguments(source, DEMUXERS[format], *span),
        *("-map", "0:a", "-c", "copy", *exact),
        *("-map_metadata", "-1", "-map_chapters", "-1"),
        *("-fflags", "+bitexact", "-f", "matroska", "pipe:1"),
    ]
    with FFmpeg(arguments, log_level="warning") as process:
        content = process.read(LARGEST_SOUND)
        if len(content) > LARGEST_SOUND:
            return None, [f"{name}: its sound is left out (it takes more than 1 GiB)"]
        well = process.finish()
        complaint = process.complaint
        empty = any("Output file is empty" in text for _, text in process.log)
    if not well:
        return None, [f"{name}: its sound is left out ({complaint})"]
    if empty:
        return None, [f"{name}: there is no sound in this part of it"] if plan.cut else []
    return content, [f"{name}: its sound is cut at whole packets"] if plan.cut else []
