"""Animated PNG, WebP and GIF files, walked without decoding: how many frames, and when.

The delays of a GIF are left to its decoder.

Formats: W3C, Portable Network Graphics Specification (Third Edition), 11.3.6; Google, WebP
Container Specification, "Animation"; GIF89a specification, section 15 on.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO, Final

from sinefit.signals.video.frame_plan import FrameTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_FINEST: Final = 10_000
"""Units per second, at least: delays are stated, not rounded from a rate, when they are finer."""
_DEFAULT_DELAY: Final = Fraction(1, 10)
"""Seconds that browsers show a frame for whose delay is 0."""
_MOST_FRAMES: Final = 2**21
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_GIF_HEADER_BYTES = 13


@dataclass(frozen=True)
class AnimationLayout:
    """What an animated picture says of itself."""

    width: int
    height: int
    times: FrameTimes
    """When its frames are shown; none for a still picture."""
    skipped: int
    """Pictures before the first frame that are no part of the animation."""
    cut_short: bool
    """Whether the file ends before its chunks do."""


def is_animated(file: BinaryIO, format: str) -> bool:
    """Tell whether an open PNG or WebP file holds a second frame."""
    return len(ANIMATIONS[format](file).times.times) > 1


def _png_layout(file: BinaryIO) -> AnimationLayout:
    width = height = skipped = 0
    delays: list[Fraction] = []
    whole = False
    for kind, content in _png_chunks(file):
        if kind == b"IHDR" and len(content) >= 8:
            width, height = struct.unpack(">II", content[:8])
        elif kind == b"IDAT" and not delays:
            skipped = 1
        elif kind == b"fcTL" and len(content) == 26:
            seconds, parts = struct.unpack(">HH", content[20:24])
            delays.append(Fraction(seconds, parts or 100))
        elif kind == b"IEND":
            whole = True
        if len(delays) > _MOST_FRAMES:
            break
    return AnimationLayout(width, height, _times(delays, _FINEST), skipped, not whole)


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of each chunk, the content of short ones only."""
    end = file.seek(0, 2)
    place = 8
    while place + 12 <= end:
        file.seek(place)
        length, kind = struct.unpack(">I4s", file.read(8))
        place += 12 + length
        if place > end:
            return
        yield kind, file.read(length) if kind in (b"IHDR", b"fcTL") and length < 64 else b""
        if kind == b"IEND":
            return


def _webp_layout(file: BinaryIO) -> AnimationLayout:
    end = file.seek(0, 2)
    width = height = 0
    delays: list[Fraction] = []
    file.seek(4)
    claimed = int.from_bytes(file.read(4), "little")
    place = 12
    while place + 8 <= end and len(delays) <= _MOST_FRAMES:
        file.seek(place)
        kind, length = struct.unpack("<4sI", file.read(8))
        content = file.read(min(length, 16))
        if kind == b"VP8X" and len(content) >= 10:
            width = 1 + int.from_bytes(content[4:7], "little")
            height = 1 + int.from_bytes(content[7:10], "little")
        elif kind == b"ANMF" and len(content) == 16:
            delays.append(Fraction(int.from_bytes(content[12:15], "little"), 1000))
        place += 8 + length + length % 2
    # Delays are rounded to milliseconds.
    return AnimationLayout(width, height, _times(delays, 1), 0, claimed + 8 > end)


def _times(delays: list[Fraction], finest: int) -> FrameTimes:
    """Return when frames are shown that are each shown for so many seconds.

    Units are such that all are whole, and at most 1 / `finest` seconds.
    """
    delays = [delay or _DEFAULT_DELAY for delay in delays]
    units = math.lcm(1000, *{delay.denominator for delay in delays})
    if units > 2**40:  # of nonsense; a nanosecond is as good
        units = 10**9
    units *= -(-finest // units)
    times = [0]
    for delay in delays:
        times.append(times[-1] + round(delay * units))
    last = times[-1] - times[-2] if delays else 0
    return FrameTimes(times[: len(delays)], Fraction(1, units), last)


def is_animated_gif(file: BinaryIO) -> bool:
    """Tell whether an open GIF file holds a second frame."""
    frames = 0
    for introducer in _gif_blocks(file):
        frames += introducer == _IMAGE
        if frames == 2:
            return True
    return False


def find_gif_truncation(source: Path) -> str | None:
    """Return in what way a GIF file ends too early, None if it does not.

    Decoders stop at the end of the file without a word. A file that is no GIF, or whose blocks
    cannot be told apart, is left to the decoder to judge.
    """
    with source.open("rb") as file:
        head = file.read(_GIF_HEADER_BYTES)
        if head[:6] not in (b"GIF87a", b"GIF89a"):
            return None
        if len(head) < _GIF_HEADER_BYTES:
            return "its header is incomplete"
        *_, last = _gif_blocks(file)
    return None if last in (_TRAILER, None) else "its trailer is missing"


def _gif_blocks(file: BinaryIO) -> Iterator[int | None]:
    """Yield what introduces each block; None, at the end, for one that is of no known kind.

    Stops after the trailer, or yields -1 where the file ends without one.
    """
    file.seek(0)
    head = file.read(_GIF_HEADER_BYTES)
    if len(head) == _GIF_HEADER_BYTES:
        _skip_gif_palette(file, head[10])
    while block := file.read(1):
        if block[0] == _IMAGE:
            yield _IMAGE
            descriptor = file.read(9)  # position, size and flags of a frame
            if len(descriptor) < 9:
                break
            _skip_gif_palette(file, descriptor[8])
            file.seek(1, 1)  # the smallest code of the compressed data
        elif block[0] == _EXTENSION:
            yield _EXTENSION
            file.seek(1, 1)  # the kind of extension
        else:
            yield _TRAILER if block[0] == _TRAILER else None
            return
        while (length := file.read(1)) and length[0]:  # sub-blocks, up to an empty one
            file.seek(length[0], 1)
    yield -1


def _skip_gif_palette(file: BinaryIO, flags: int) -> None:
    """Skip the colour table whose presence and size the flags of its owner tell."""
    if flags & 0x80:
        file.seek(3 * 2 ** ((flags & 7) + 1), 1)


ANIMATIONS: Mapping[str, Callable[[BinaryIO], AnimationLayout]] = {
    "png": _png_layout,
    "webp": _webp_layout,
}
"""What walks the chunks of an open file, by the format's name."""
