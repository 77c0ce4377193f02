"""The boxes of MP4 and QuickTime files, walked before a demuxer takes them at their word.

What is left of a cut index can still tell a demuxer of the picture, and no longer of the sound,
which would be lost without a word. And a table of samples of one size takes a few bytes whatever it
claims, while a demuxer keeps dozens for each of them: two kilobytes of file could ask for any
memory. (ISO 14496-12, 4.2, 8.7.3, 8.7.4, 8.8.8)
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
_PARENTS: Final = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
_DEPTH: Final = 8
_MOST_BOXES: Final = 2**16
_MOST_BYTES: Final = 2**18

MOST_PER_BYTE: Final = 64
"""Samples per byte of the file that are believed: old sound codecs count each value as a sample."""


def find_cut_box(source: Path) -> str | None:
    """Return what of a file is missing at its end, in words, None when nothing is.

    Boxes that hold neither frames nor an index may be cut, and a file that is no chain of boxes is
    left to its demuxer.
    """
    end = source.stat().st_size
    start = 0
    with source.open("rb") as file:
        for _ in range(_MOST_BOXES):
            size, kind, _begin = _box(file, start)
            if size < 8:  # 0 means up to the end
                return None
            if start + size > end:
                what = _NEEDED.get(kind)
                return what and f"{start + size - end} bytes of {what} are missing"
            start += size
    return None


def find_false_count(source: Path) -> int | None:
    """Return a number of samples that the file claims and has too few bytes for, None without any.

    Frames take bytes each, and of sound MOST_PER_BYTE samples at most take one. A file that is no
    chain of boxes is left to its demuxer.
    """
    size = source.stat().st_size
    with source.open("rb") as file:
        return _search(file, 0, size, MOST_PER_BYTE * size, _DEPTH)


def _box(file: BinaryIO, start: int) -> tuple[int, bytes, int]:
    """Return the size and kind of a box and where its content begins; of nothing the kind is empty.

    A size of 0 means up to the end.
    """
    file.seek(start)
    head = file.read(16)
    if len(head) < 8:
        return 0, b"", start
    size, kind = struct.unpack(">I4s", head[:8])
    if size == 1 and len(head) == 16:
        return struct.unpack(">Q", head[8:])[0], kind, start + 16
    return size, kind, start + 8


def _search(file: BinaryIO, start: int, end: int, most: int, depth: int) -> int | None:
    """Look into the boxes between two places of the file."""
    for _ in range(_MOST_BOXES):
        size, kind, begin = _box(file, start)
        if start + 8 > end or not kind:
            return None
        # A length of 0 means up to the end, and one that is wrong is read by ffmpeg all the same.
        stop = end if size == 0 else min(start + size, end)
        if stop < begin:
            return None
        claimed: int | None = None
        if kind in _PARENTS and depth:
            claimed = _search(file, begin, stop, most, depth - 1)
        elif kind in (b"stsz", b"trun", b"stsc") and stop - begin >= 8:
            file.seek(begin + 4)
            claimed = _claimed(file.read(min(stop - begin - 4, _MOST_BYTES)), kind)
        if claimed is not None and claimed > most:
            return claimed
        start = stop
    return None


def _claimed(table: bytes, kind: bytes) -> int:
    """Return the largest number of samples that a table claims at a stroke."""
    first, second = struct.unpack_from(">II", table.ljust(8, b"\0"))
    if kind == b"trun":
        return int(first)
    if kind == b"stsz":
        # Without a size for all of them each sample has an entry, which is missing if it is.
        return int(second) if first else 0
    # Entries of "stsc" are: first chunk, samples per chunk, description.
    counts = [struct.unpack_from(">I", table, at)[0] for at in range(8, len(table) - 3, 12)]
    return max(counts[:first], default=0)
