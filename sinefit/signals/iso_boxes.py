"""The outermost boxes of MP4 and QuickTime files: whether the file ends before they do.

What is left of a cut index can still tell a demuxer of the picture, and no longer of the sound,
which would be lost without a word. (ISO 14496-12, 4.2)
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from pathlib import Path

_NEEDED: Final = {
    b"moov": "its index",
    b"moof": "the index of its last fragment",
    b"mdat": "its frames",
}
_MOST_BOXES: Final = 2**16
_HEAD_BYTES: Final = 2**16


def find_cut_box(source: Path) -> str | None:
    """Return what of a file is missing at its end, in words, None when nothing is.

    Boxes that hold neither frames nor an index may be cut, and a file that is no chain of boxes is
    left to its demuxer.
    """
    end = source.stat().st_size
    start = 0
    with source.open("rb") as file:
        for _ in range(_MOST_BOXES):
            file.seek(start)
            head = file.read(16)
            if len(head) < 8:
                return None
            size, kind = struct.unpack(">I4s", head[:8])
            if size == 1 and len(head) == 16:
                (size,) = struct.unpack(">Q", head[8:])
            if size < 8:  # 0 means up to the end
                return None
            if start + size > end:
                what = _NEEDED.get(kind)
                return what and f"{start + size - end} bytes of {what} are missing"
            start += size
    return None


def find_pixel_depth(file: BinaryIO) -> int:
    """Return the bits per sample of an open AVIF or HEIF picture, 8 where it does not say.

    They are in the box "pixi" (ISO 23008-12, 6.5.6): version, channels, and the bits of each.
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    place = head.find(b"pixi") + 8
    if place < 8 or place >= len(head):
        return 8
    return max(head[place + 1 : place + 1 + head[place]], default=8)


def find_stream_depth(file: BinaryIO) -> int:
    """Return the bits per sample of an open JPEG 2000 picture, 8 where it does not say.

    They stand behind the sizes at the start of the code stream (ISO 15444-1, A.5.1).
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    place = head.find(b"\xff\x4f\xff\x51") + 42
    return (head[place] & 0x7F) + 1 if 42 <= place < len(head) else 8
