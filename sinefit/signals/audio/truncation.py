"""Whether a sound file is complete, told from its chunks and pages before it is decoded.

libsndfile loads what is left of a file that was cut without a word.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_CHUNKED = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM")
_MOST_CHUNKS = 2**16
_W64_SIGNATURE = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"


def find_truncation(source: Path, format: str) -> str | None:
    """Return in what way a sound file ends before its headers say, None if it does not.

    Formats that are not known here show the lack when they are decoded.
    """
    find = _FINDERS.get(format)
    if find is None:
        return None
    with source.open("rb") as file:
        return find(file)


def _find_short_chunk(file: BinaryIO) -> str | None:
    """Walk the chunks of a RIFF, RF64 or AIFF file up to its samples."""
    size, header = _size_and_head(file, 12)
    if header and header[:4] not in _CHUNKED:
        return None  # another kind of file: the decoder says so
    order = ">" if header[:4] in (b"FORM", b"RIFX") else "<"
    long_length = None
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return _without_samples(size)
        name, length = head[:4], struct.unpack(order + "I", head[4:])[0]
        begin = file.tell()
        if name == b"ds64" and len(sizes := file.read(16)) == 16:
            long_length = struct.unpack("<8xQ", sizes)[0]
        if name in (b"data", b"SSND"):
            if length == 2**32 - 1 and long_length is not None:
                length = long_length
            # Programs that write to a pipe leave one of these lengths, for lack of the real one.
            if length == 2**32 - 1 or 2**31 - 2**12 <= length < 2**31:
                return None
            return _missing(begin + length - size, length)
        file.seek(begin + length + length % 2)
    return None  # the decoder may make sense of it


def _find_short_au(file: BinaryIO) -> str | None:
    """Hold the one length of an AU file against its size."""
    size, header = _size_and_head(file, 12)
    if size and not header.startswith(b".snd"):
        return None
    if len(header) < 12:
        return _without_samples(size)
    begin, length = struct.unpack(">II", header[4:])
    return None if length == 2**32 - 1 else _missing(begin + length - size, length)


def _find_short_caf(file: BinaryIO) -> str | None:
    """Walk the chunks of a Core Audio file up to its samples."""
    size, header = _size_and_head(file, 8)
    if size and not header.startswith(b"caff"):
        return None
    for _ in range(_MOST_CHUNKS):
        head = file.read(12)
        if len(head) < 12:
            return _without_samples(size)
        name, length = struct.unpack(">4sq", head)
        if name == b"data":
            return None if length == -1 else _missing(file.tell() + length - size, length)
        if length < 0:
            return None
        if length > size:
            return _without_samples(size)
        file.seek(length, 1)
    return None


def _find_short_w64(file: BinaryIO) -> str | None:
    """Walk the chunks of a Wave64 file up to its samples; their lengths count their heads."""
    size, header = _size_and_head(file, 40)
    if size and not header.startswith(_W64_SIGNATURE):
        return None
    for _ in range(_MOST_CHUNKS):
        begin = file.tell()
        head = file.read(24)
        if len(head) < 24:
            return _without_samples(size)
        name, length = struct.unpack("<4s12xQ", head)
        if name == b"data":
            return _missing(begin + length - size, length - 24)
        if length < 24:
            return None
        if length > size:
            return _without_samples(size)
        file.seek(begin + length + -length % 8)
    return None


def _find_missing_last_page(file: BinaryIO) -> str | None:
    """Look for the mark of a stream's end in the last page of an Ogg file."""
    head = file.read(4)
    size = file.seek(0, 2)
    # A page is at most 65307 bytes long.
    file.seek(max(0, size - 2**17))
    tail = file.read()
    page = tail.rfind(b"OggS")
    if size and (page < 0 or head != b"OggS"):
        return None  # another kind of file: the decoder says so
    if page < 0 or page + 27 > len(tail):
        return "its last page is missing"
    segments = tail[page + 26]
    table = tail[page + 27 : page + 27 + segments]
    if len(table) < segments or page + 27 + segments + sum(table) > len(tail):
        return "its last page is incomplete"
    return None if tail[page + 5] & 4 else "the page that ends it is missing"


def _size_and_head(file: BinaryIO, length: int) -> tuple[int, bytes]:
    size = file.seek(0, 2)
    file.seek(0)
    return size, file.read(length)


def _missing(missing: int, length: int) -> str | None:
    return f"{missing} of {length} bytes of samples are missing" if missing > 0 else None


def _without_samples(size: int) -> str:
    return "it holds no samples" if size else "it is empty"


_FINDERS: Mapping[str, Callable[[BinaryIO], str | None]] = {
    "wav": _find_short_chunk,
    "aiff": _find_short_chunk,
    "au": _find_short_au,
    "caf": _find_short_caf,
    "w64": _find_short_w64,
    "ogg": _find_missing_last_page,
}
