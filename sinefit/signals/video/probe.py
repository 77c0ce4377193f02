"""What a video file holds: its picture, its sound, and when each frame is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from sinefit.errors import InputError
from sinefit.signals.limits import DEFAULT_LIMITS
from sinefit.signals.media.ffmpeg import FFmpeg
from sinefit.signals.media.streams import (
    INCOMPLETE,
    LARGEST_BLOCK,
    check_container,
    limited_input,
    list_streams,
    parse_streams,
)
from sinefit.signals.video.formats import VIDEO_FORMATS
from sinefit.signals.video.frame_plan import FrameTimes

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.signals.limits import Limits

_PIXEL_FORMAT = re.compile(r", ([a-z]\w*)(?:\(([^()]*)\))?(?:, | \[|$)")
_CLAIMED_RATE = re.compile(r", (\d+(?:\.\d+)?)(k?) (?:fps|tbr)\b")
_DEEP = re.compile(r"(?:9|10|12|14|16|32)(?:le|be)?$|48|64|f16|f32")
_TRANSPARENT = re.compile(r"yuva|rgba|bgra|argb|abgr|gbrap|^ya\d")
_MATRIX = re.compile(r"bt\d|smpte|fcc|ycgco|gbr|ictcp")
_HDR_CURVES = ("smpte2084", "arib-std-b67")
_TOO_LARGE = "exceeds specified max pixel count"
_NO_ROOM = "get_buffer() failed"

LONGEST_LISTING = 2**27
"""Bytes of a list of frames, about two million of them; a longer one is not read."""


@dataclass(frozen=True)
class VideoHeader:
    """What ffmpeg says about a video file before it is decoded."""

    width: int
    """Columns of the picture as it is shown, after rotation."""
    height: int
    """Rows of the picture as it is shown, after rotation."""
    codec: str
    """Name of the video codec."""
    pixel_format: str
    """ffmpeg's name of the stored pixel format."""
    colour: tuple[str, ...]
    """What the file states of its colours, in ffmpeg's words: "tv", "bt2020nc/bt2020/smpte2084"."""
    pixel_aspect: Fraction
    """Width of a pixel over its height."""
    claimed_rates: tuple[float, ...]
    """Frame rates that the file claims, rounded to two decimals."""
    sound_codecs: tuple[str, ...]
    """Names of the codecs of its sound streams."""
    video_streams: int
    """Number of video streams; the first is meant by everything else."""
    hidden_alpha: bool
    """Whether a transparency is stored beside the picture, where its decoder leaves it."""

    @property
    def transparent(self) -> bool:
        """Whether the decoded picture has an alpha channel."""
        return _TRANSPARENT.search(self.pixel_format) is not None

    @property
    def states_matrix(self) -> bool:
        """Whether the file says how its colours were turned into luma and chroma."""
        return any(_MATRIX.match(words.split("/")[0]) for words in self.colour)

    @property
    def high_dynamic_range(self) -> bool:
        """Whether the transfer curve is one of high dynamic range, PQ or HLG."""
        return any(curve in words for words in self.colour for curve in _HDR_CURVES)

    @property
    def deep(self) -> bool:
        """Whether the stored samples have more than 8 bits."""
        return _DEEP.search(self.pixel_format) is not None


def demuxer_of(format: str) -> str:
    """Return ffmpeg's demuxer of a video format that ffmpeg reads."""
    demuxer = VIDEO_FORMATS[format].demuxer
    assert demuxer is not None
    return demuxer


def probe_video(
    source: Path, name: str, format: str, limits: Limits = DEFAULT_LIMITS
) -> VideoHeader:
    """Read the headers and decode the first frame of a video.

    Raises InputError, which calls the file `name`, when there is no picture in it or a larger one
    than `limits` allow.
    """
    check_container(source, name, demuxer_of(format))
    arguments = [
        *limited_input(source, demuxer_of(format), limits),
        *("-map", "0:V:0", "-frames:v", "1", "-c:v", "wrapped_avframe", "-f", "framecrc", "pipe:1"),
    ]
    with FFmpeg(arguments, log_level="info") as process:
        listing = process.read().decode("ascii", "replace")
        well = process.finish()
        texts = [text for _, text in process.log]
        complaints = process.complaints
        complaint = process.complaint
    end = next(
        (i for i, text in enumerate(texts) if text.startswith("Stream mapping:")), len(texts)
    )
    texts = texts[:end]
    streams = parse_streams(texts)
    pictures = [stream for stream in streams if stream.kind == "Video"]
    empty = any("matches no streams" in text for text in complaints)
    if texts and (streams or empty) and not pictures:
        raise InputError(f"{name} holds no video stream: name its format or choose another file")
    size = re.search(r"^#dimensions 0: (\d+)x(\d+)$", listing, re.MULTILINE)
    if any(_TOO_LARGE in text for text in complaints):
        raise InputError(
            f"{name} has frames of more than the {limits.max_pixels} pixels that are read: "
            "re-encode it smaller or raise `max_pixels`"
        )
    if any(_NO_ROOM in text for text in complaints):
        raise InputError(
            f"{name} has frames that take more than {LARGEST_BLOCK} bytes each: "
            "re-encode it smaller"
        )
    if not well or not pictures or size is None or not _frame_lines(listing):
        cause = complaint if not well else "no frame can be decoded"
        raise InputError(f"{name} cannot be read as {format}: {cause}; check or re-encode the file")
    aspect = re.search(r"^#sar 0: (\d+)/(\d+)$", listing, re.MULTILINE)
    known = aspect is not None and int(aspect[1]) > 0 and int(aspect[2]) > 0
    stored = _PIXEL_FORMAT.search(pictures[0].details)
    limits.check_picture(int(size[1]), int(size[2]), name)
    return VideoHeader(
        width=int(size[1]),
        height=int(size[2]),
        codec=pictures[0].codec,
        pixel_format=stored[1] if stored else "",
        colour=tuple(stored[2].split(", ")) if stored and stored[2] else (),
        pixel_aspect=Fraction(int(aspect[1]), int(aspect[2])) if aspect and known else Fraction(1),
        claimed_rates=tuple(
            float(value) * (1000 if thousands else 1)
            for value, thousands in _CLAIMED_RATE.findall(pictures[0].details)
        ),
        sound_codecs=tuple(stream.codec for stream in streams if stream.kind == "Audio"),
        video_streams=len(pictures),
        hidden_alpha=any(re.match(r"\s+alpha_mode\s+: 1$", text) for text in texts),
    )


def read_frame_times(
    source: Path,
    name: str,
    format: str,
    *,
    decode: bool,
    limits: Limits = DEFAULT_LIMITS,
) -> FrameTimes | None:
    """List the frames of a video from its packets, or, slower, by decoding them.

    Returns None when packets do not tell the times of frames. Raises InputError, which calls the
    file `name`, when it ends before its headers say.
    """
    how = ("-c:v", "wrapped_avframe", "-enc_time_base", "demux") if decode else ("-c", "copy")
    arguments = [
        *limited_input(source, demuxer_of(format), limits),
        *("-map", "0:V:0", "-fps_mode", "passthrough", *how, "-f", "framecrc", "pipe:1"),
    ]
    with FFmpeg(arguments) as process:
        listing = process.read(LONGEST_LISTING).decode("ascii", "replace")
        well = process.finish()
        complaints = process.complaints
        complaint = process.complaint
    if len(listing) > LONGEST_LISTING:
        raise InputError(f"{name} lists more frames than can be read: cut it into parts")
    if any(INCOMPLETE.search(text) for text in complaints):
        raise InputError(f"{name} is cut short ({complaint}): get a complete copy")
    base = re.search(r"^#tb 0: (\d+)/(\d+)$", listing, re.MULTILINE)
    lines = _frame_lines(listing)
    if not well or base is None or not lines:
        raise InputError(f"{name} cannot be read as {format}: {complaint}; re-encode the file")
    shown = []
    for line in lines:
        fields = [field.strip() for field in line.split(",")]
        if not re.fullmatch(r"-?\d+", fields[2]):
            return None
        flags = next((field[2:] for field in fields[6:] if field.startswith("F=")), "0x0")
        # Bit 2 marks packets that are decoded for the sake of others but not shown.
        if not int(flags, 16) & 4:
            shown.append((int(fields[2]), int(fields[3])))
    if not shown:
        return None
    shown.sort()
    return FrameTimes(
        [time for time, _ in shown], Fraction(int(base[1]), int(base[2])), shown[-1][1]
    )


def _frame_lines(listing: str) -> list[str]:
    """Return the lines of a framecrc listing that stand for a frame or a packet."""
    return [line for line in listing.splitlines() if line and not line.startswith("#")]


def probe_sound(source: Path) -> tuple[str, ...]:
    """Return the codecs of the sound streams of a Matroska file; none when it cannot be read."""
    streams = list_streams(source, "matroska", DEFAULT_LIMITS)
    return tuple(stream.codec for stream in streams if stream.kind == "Audio")
