"""How many scans a JPEG has, told before it is decoded.

Each scan of a progressive picture passes over all of its pixels and may take no more than twenty
bytes, so a small file could keep a decoder busy for hours. (ITU-T T.81, annex B)
"""

from __future__ import annotations

import re
from typing import BinaryIO, Final

MOST_SCANS: Final = 200
"""Scans of a picture that is read; encoders make about ten."""

_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")
_SCAN, _END = 0xDA, 0xD9
_WITHOUT_LENGTH: Final = frozenset((0x01, *range(0xD0, 0xD9)))
_PIECE_BYTES: Final = 2**20


def has_too_many_scans(file: BinaryIO, most: int = MOST_SCANS) -> bool:
    """Tell whether an open JPEG file has more than `most` scans before its end mark."""
    scans = 0
    place = 0
    while (found := _next_marker(file, place)) is not None:
        marker, place = found
        if marker == _END:
            return False
        if marker in _WITHOUT_LENGTH:
            continue
        if marker == _SCAN:
            scans += 1
            if scans > most:
                return True
        file.seek(place)
        place += max(2, int.from_bytes(file.read(2), "big"))
    return False


def _next_marker(file: BinaryIO, place: int) -> tuple[int, int] | None:
    """Return the next marker from a place on and where it ends, None without any."""
    file.seek(place)
    piece = file.read(64)  # most segments follow one another
    while len(piece) > 1:
        found = _MARKER.search(piece)
        if found is not None:
            return found[1][0], place + found.end()
        # A marker may lie across the end of a piece.
        place += len(piece) - 1
        file.seek(place)
        piece = file.read(_PIECE_BYTES)
    return None
