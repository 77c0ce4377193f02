"""Reading videos: frame by frame through ffmpeg, with their sound carried along unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from sinefit.errors import InputError
from sinefit.signals.image.pixels import check_region
from sinefit.signals.limits import DEFAULT_LIMITS
from sinefit.signals.media.ffmpeg import FFmpeg, input_arguments
from sinefit.signals.media.streams import limited_input
from sinefit.signals.signal import Signal
from sinefit.signals.video.animation import read_animation
from sinefit.signals.video.animation_frames import find_gif_truncation
from sinefit.signals.video.formats import VIDEO_FORMATS
from sinefit.signals.video.frame_plan import FrameStore, plan_frames
from sinefit.signals.video.probe import demuxer_of, probe_video, read_frame_times

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.signals.limits import Limits
    from sinefit.signals.selection import Selection
    from sinefit.signals.video.frame_plan import FramePlan, FrameTimes
    from sinefit.signals.video.probe import VideoHeader

BATCH_BYTES = 2**24
"""Bytes of decoded frames that are held besides the samples themselves."""

HD_HEIGHT = 720
"""From this many rows on, a video that does not state its colour matrix has that of BT.709."""

SOUND_LEAD = 0.05
"""Seconds by which sound may begin before a whole clip's picture and still be copied whole."""

LARGEST_SOUND = 2**30
"""Bytes of sound streams that are carried along; a weights file holds twice that."""

_DECODED_SCALE = "scale=flags=bicubic+accurate_rnd+full_chroma_int"


class ListFrames(Protocol):
    """What lists the frames of a video, as `read_frame_times` does."""

    def __call__(
        self, source: Path, name: str, format: str, *, decode: bool, limits: Limits
    ) -> FrameTimes | None:
        """List them from packets, or by decoding; None where packets do not tell."""
        ...


def read_video(
    source: Path,
    name: str,
    format: str,
    selection: Selection,
    limits: Limits = DEFAULT_LIMITS,
    *,
    list_frames: ListFrames = read_frame_times,
    batch_bytes: int = BATCH_BYTES,
) -> Signal:
    """Read a video as uint8 RGB samples of shape (frames, height, width, 3).

    `format` is a name in VIDEO_FORMATS; nothing else is tried. The frame rate is exact; a variable
    one becomes constant. Sound is copied unchanged into the spec's soundtrack. What is reduced or
    left out is said in the notices. Raises InputError, which calls the file `name`, when it is
    damaged, cut short, larger than `limits` or holds no video, and SettingError when the selection
    lies outside.
    """
    if VIDEO_FORMATS[format].demuxer is None:
        return read_animation(source, name, format, selection, limits)
    truncation = find_gif_truncation(source) if format == "gif" else None
    if truncation is not None:
        raise InputError(f"{name} is cut short: {truncation}; get a complete copy")
    header = probe_video(source, name, format, limits)
    if selection.region is not None:
        check_region(selection.region, header.width, header.height, name)
    for decode in (False, True):
        frames = list_frames(source, name, format, decode=decode, limits=limits)
        if frames is None:
            continue
        plan = plan_frames(frames, list(header.claimed_rates), name, selection)
        decoded = _decode(source, name, format, header, plan, selection, limits, batch_bytes)
        if decoded is not None:
            break
    else:
        raise InputError(f"{name} is damaged: not all of its frames can be decoded; re-encode it")
    store, decoder_notices = decoded
    soundtrack, sound_notices = _read_soundtrack(source, name, format, header, plan)
    spec = store.spec(format, plan.rate, soundtrack)
    notices = (*_header_notices(header, name), *plan.notices, *decoder_notices, *sound_notices)
    return Signal(spec, store.samples, notices)


def _decode(
    source: Path,
    name: str,
    format: str,
    header: VideoHeader,
    plan: FramePlan,
    selection: Selection,
    limits: Limits,
    batch_bytes: int,
) -> tuple[FrameStore, list[str]] | None:
    """Decode the planned frames; None when the file turns out to hold others than were listed."""
    store = FrameStore(plan, (header.width, header.height), name, selection, limits)
    channels = 4 if header.transparent else 3
    seek = ("-ss", f"{plan.seek:.6f}") if plan.seek > 0 else ()
    scale = _DECODED_SCALE
    if header.height >= HD_HEIGHT and not header.states_matrix:
        scale += ":in_color_matrix=bt709"
    arguments = [
        *limited_input(source, demuxer_of(format), limits, *seek),
        *("-map", "0:V:0", "-fps_mode", "passthrough"),
        *("-vf", f"{scale},format={'rgba' if header.transparent else 'rgb24'}"),
        *(() if plan.to_the_end else ("-frames:v", str(store.wanted))),
        *("-f", "rawvideo", "pipe:1"),
    ]
    frame_bytes = header.height * header.width * channels
    batch = np.empty(
        (max(1, batch_bytes // frame_bytes), header.height, header.width, channels), np.uint8
    )
    with FFmpeg(arguments) as process:
        while store.done <= store.wanted:
            count, rest = divmod(process.read_into(batch.data.cast("B")), frame_bytes)
            store.add(batch[:count])
            if count == 0 or rest:
                break
        if store.done > store.wanted:
            return None  # it still has frames to give, and would wait for ever for a reader
        well = process.finish()
        complaints = process.complaints
        complaint = process.complaint
    if store.done != store.wanted or not well:
        if complaints:
            raise InputError(
                f"{name} is damaged: {store.done} of {store.wanted} frames can be decoded "
                f"({complaint}); get another copy"
            )
        return None
    notices = store.notices(name)
    if complaints:
        notices.append(f"{name}: some frames may be damaged, the decoder reported: {complaint}")
    return store, notices


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
    source: Path, name: str, format: str, header: VideoHeader, plan: FramePlan
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
    # AAC of a stream tells its set-up in each packet, which Matroska wants to know beforehand.
    streamed = demuxer_of(format) == "mpegts"
    anew = [
        option
        for index, codec in enumerate(header.sound_codecs)
        if streamed and codec == "aac"
        for option in (f"-c:a:{index}", "flac", f"-sample_fmt:a:{index}", "s16")
    ]
    notices = [f"{name}: its aac sound is stored as flac"] if anew else []
    arguments = [
        *input_arguments(source, demuxer_of(format), *span),
        *("-map", "0:a", "-c", "copy", *anew, *exact),
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
    return content, [
        *notices,
        *([f"{name}: its sound is cut at whole packets"] if plan.cut else []),
    ]
