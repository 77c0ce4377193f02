"""PNG files without the texts that Pillow refuses: a picture is worth more than its comments.

Pillow ends with an error where a text or a profile unfolds to more than its limits, which keep a
small file from taking any memory. Such chunks are passed over here, and never unfolded.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_TEXT: Final = 2**20
"""Bytes of text, and of a profile, that are passed on."""

_FOLDED: Final = {b"zTXt": "text", b"iTXt": "text", b"iCCP": "colour profile"}
_SIGNATURE_BYTES: Final = 8


def without_long_texts(file: BinaryIO, notices: list[str]) -> BinaryIO:
    """Return an open PNG file itself, or a view of it without its chunks of too much text.

    What is left out is added to `notices`.
    """
    left_out: dict[str, None] = {}
    kept: list[tuple[int, int]] = [(0, _SIGNATURE_BYTES)]
    texts = 0
    for kind, start, end in _chunks(file):
        length = 0
        if kind == b"tEXt":
            length = end - start - 12
        elif kind in _FOLDED:
            length = _unfolded(file, kind, start, end)
        texts += length if kind != b"iCCP" else 0
        if length > LONGEST_TEXT or (kind != b"iCCP" and length and texts > LONGEST_TEXT):
            left_out[_FOLDED.get(kind, "text")] = None
        else:
            kept.append((start, end))
    if not left_out:
        return file
    notices += [f"its {what} was left out: it is longer than 1 MiB" for what in left_out]
    return io.BufferedReader(_Ranges(file, kept))


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each chunk, where it starts and where it ends; the last may be cut."""
    size = file.seek(0, 2)
    place = _SIGNATURE_BYTES
    while place < size:
        file.seek(place)
        head = file.read(8)
        length, kind = struct.unpack(">I4s", head) if len(head) == 8 else (0, b"")
        end = min(place + 12 + length, size)
        yield kind, place, end
        place = end


def _unfolded(file: BinaryIO, kind: bytes, start: int, end: int) -> int:
    """Return the length of a text or profile, or more than LONGEST_TEXT if it is above that."""
    file.seek(start + 8)
    content = file.read(min(end - start - 12, LONGEST_TEXT + 1))
    if len(content) > LONGEST_TEXT:
        return len(content)
    packed = content.partition(b"\0")[2]
    if kind == b"iTXt":
        if packed[:1] != b"\1":
            return len(content)
        # Behind the flag and the method stand a language and a translated keyword.
        packed = packed[1:2] + packed[2:].partition(b"\0")[2].partition(b"\0")[2]
    try:
        return len(zlib.decompressobj().decompress(packed[1:], LONGEST_TEXT + 1))
    except zlib.error:
        return 0  # for the decoder to judge


class _Ranges(io.RawIOBase):
    """Ranges of a file, one behind the other, as if they were a file."""

    def __init__(self, file: BinaryIO, ranges: list[tuple[int, int]]) -> None:
        self._file = file
        self._ranges = ranges
        self._place = 0
        self._size = sum(end - start for start, end in ranges)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        before = self._place
        for start, end in self._ranges:
            if before < end - start:
                self._file.seek(start + before)
                data = self._file.read(min(len(buffer), end - start - before))
                buffer[: len(data)] = data
                self._place += len(data)
                return len(data)
            before -= end - start
        return 0
