"""Which streams a file holds that ffmpeg reads: opened with one demuxer, its claims held to size.

Nothing here decodes what is kept: it is for telling a sound from a video and for refusing early.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.errors import InputError
from sinefit.signals.media.ffmpeg import FFmpeg, input_arguments
from sinefit.signals.media.iso_boxes import find_cut_box, find_false_count

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sinefit.signals.limits import Limits

_STREAM = re.compile(r"^  Stream #0:\d+(?:\[\w+\])?(?:\(\w+\))?: (Video|Audio): (\w+)(.*)$")
INCOMPLETE = re.compile(
    r"partial file|ended prematurely|truncated|truncating|end of file", re.IGNORECASE
)
"""What ffmpeg says of a file that ends before its headers say."""

LARGEST_BLOCK = 2**28
"""Bytes that ffmpeg may take at a stroke, for one plane of a frame or for its list of frames."""


_MOST_LISTS = 2**12
_UNKNOWN_LENGTHS = (0, 2**32 - 1)
"""Lengths of RIFF lists that programs leave which write to a pipe."""


@dataclass(frozen=True)
class Stream:
    """A stream of pictures or sound, as ffmpeg describes it."""

    kind: str
    """"Video" or "Audio"."""
    codec: str
    """ffmpeg's name of the codec."""
    details: str
    """What else it says of the stream, such as its pixel format or its rate."""


def parse_streams(texts: Iterable[str]) -> list[Stream]:
    """Return the streams of the input in what ffmpeg logs, without pictures that are covers."""
    streams = []
    for text in texts:
        if text.startswith("Stream mapping:"):
            break
        match = _STREAM.match(text)
        if match is not None and "(attached pic)" not in match[3]:
            streams.append(Stream(match[1], match[2], match[3]))
    return streams


def limited_input(source: Path, demuxer: str, limits: Limits, *options: str) -> list[str]:
    """Return the arguments that open a file and refuse frames of more pixels than the limit."""
    most = ("-max_pixels", str(limits.max_pixels), "-max_alloc", str(LARGEST_BLOCK))
    return input_arguments(source, demuxer, *most, *options)


def check_container(source: Path, name: str, demuxer: str) -> None:
    """Raise InputError, which calls the file `name`, when it is cut or claims too many samples."""
    claimed, missing = None, None
    if demuxer == "mov":
        claimed, missing = find_false_count(source), find_cut_box(source)
    elif demuxer == "avi":
        missing = find_cut_list(source)
    if missing is not None:
        raise InputError(f"{name} is cut short: {missing}; get a complete copy")
    if claimed is not None:
        raise InputError(
            f"{name} is damaged or cut short: its bytes cannot hold the {claimed} samples that it "
            "claims; get a complete copy"
        )


def find_cut_list(source: Path) -> str | None:
    """Return how much is missing at the end of a RIFF file, in words, None when nothing is.

    A long AVI has several lists, one behind the other; a demuxer takes what is left of one without
    a word.
    """
    end = source.stat().st_size
    start = 0
    with source.open("rb") as file:
        for _ in range(_MOST_LISTS):
            file.seek(start)
            head = file.read(8)
            if len(head) < 8 or head[:4] != b"RIFF":
                return None
            (length,) = struct.unpack("<I", head[4:])
            if length in _UNKNOWN_LENGTHS:
                return None
            if start + 8 + length > end:
                return f"{start + 8 + length - end} of its bytes are missing"
            start += 8 + length + length % 2
    return None


def is_sound_only(source: Path, name: str, demuxer: str, limits: Limits) -> bool:
    """Tell whether a file holds sound and no picture but a cover.

    Raises InputError when `check_container` does.
    """
    check_container(source, name, demuxer)
    kinds = {stream.kind for stream in list_streams(source, demuxer, limits)}
    return kinds == {"Audio"}


def list_streams(source: Path, demuxer: str, limits: Limits) -> list[Stream]:
    """Return the streams of a file; none when it cannot be read."""
    with FFmpeg(limited_input(source, demuxer, limits), log_level="info") as process:
        process.finish()
        return parse_streams(text for _, text in process.log)
