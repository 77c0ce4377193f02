"""The outermost lists of AVI and WebP files: whether the file ends before they do.

Both are RIFF: a list tells its length, and a demuxer takes what is left of one without a word.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MOST_LISTS = 2**12
_UNKNOWN = (0, 2**32 - 1)
"""Lengths that programs leave which write to a pipe."""


def find_cut_list(source: Path) -> str | None:
    """Return how much is missing at the end of a RIFF file, in words, None when nothing is.

    A long AVI has several lists, one behind the other.
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
            if length in _UNKNOWN:
                return None
            if start + 8 + length > end:
                return f"{start + 8 + length - end} of its bytes are missing"
            start += 8 + length + length % 2
    return None
