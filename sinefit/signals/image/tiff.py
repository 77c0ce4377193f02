"""A TIFF encoder that takes a picture by bands of rows: uncompressed baseline TIFF.

Own code, because Pillow cannot write 16-bit colour. The directory stands at the end of the file, so
nothing but the current band is held.

Format: Adobe, TIFF Revision 6.0, sections 2 to 6 and 18.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from sinefit.signals.image.row_stream import RowStream

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_SIDE = 2**31 - 1

_STRIP_BYTES = 2**18
_HEADER_BYTES = 8
_SHORT, _LONG, _UNDEFINED = 3, 4, 7
_CODES = {_SHORT: "H", _LONG: "I"}


class TiffStream(RowStream):
    """Writes TIFF, to a file that can seek, of bit depth 8, 16 or 32.

    Samples of 32 bits are floating-point numbers.
    """

    _name = "TIFF"

    def _begin(self) -> None:
        bits = self._bit_depth
        self._dtype = np.dtype("<f4" if bits == 32 else f"<u{bits // 8}")
        self._file.write(struct.pack("<2sHI", b"II", 42, 0))

    def _append(self, rows: NDArray[np.generic]) -> None:
        step = max(1, _STRIP_BYTES // (self._width * self._channels * self._dtype.itemsize))
        for start in range(0, len(rows), step):
            self._file.write(np.ascontiguousarray(rows[start : start + step], self._dtype).data)

    def _end(self) -> None:
        width, height = self._width, self._height
        row_bytes = width * self._channels * self._dtype.itemsize
        strip_rows = min(height, max(1, _STRIP_BYTES // row_bytes))
        starts = range(0, height, strip_rows)
        position = _HEADER_BYTES + height * row_bytes
        self._file.write(b"\0" * (position % 2))  # directories begin on a word boundary
        position += position % 2
        entries: dict[int, tuple[int, bytes | tuple[int, ...]]] = {
            256: (_LONG, (width,)),
            257: (_LONG, (height,)),
            258: (_SHORT, (self._bit_depth,) * self._channels),
            259: (_SHORT, (1,)),  # not compressed
            262: (_SHORT, (2 if self._channels >= 3 else 1,)),  # RGB, or grey with 0 as black
            273: (_LONG, tuple(_HEADER_BYTES + start * row_bytes for start in starts)),
            277: (_SHORT, (self._channels,)),
            278: (_LONG, (strip_rows,)),
            279: (_LONG, tuple(min(strip_rows, height - start) * row_bytes for start in starts)),
            284: (_SHORT, (1,)),  # the channels of a pixel side by side
        }
        if self._channels in (2, 4):
            entries[338] = (_SHORT, (2,))  # alpha that the colours are not multiplied by
        if self._bit_depth == 32:
            entries[339] = (_SHORT, (3,) * self._channels)  # floating-point numbers
        if self._icc_profile is not None:
            entries[34675] = (_UNDEFINED, self._icc_profile)
        self._file.write(_directory(entries, position))
        self._file.seek(4)
        self._file.write(struct.pack("<I", position))


def _directory(entries: dict[int, tuple[int, bytes | tuple[int, ...]]], position: int) -> bytes:
    """Return the bytes of a directory that stands at `position`, followed by its longer values."""
    table = struct.pack("<H", len(entries))
    values = b""
    values_at = position + 2 + 12 * len(entries) + 4
    for tag in sorted(entries):
        kind, value = entries[tag]
        if isinstance(value, bytes):
            data = value
        else:
            data = struct.pack(f"<{len(value)}{_CODES[kind]}", *value)
        table += struct.pack("<HHI", tag, kind, len(value))
        if len(data) <= 4:
            table += data.ljust(4, b"\0")
        else:
            table += struct.pack("<I", values_at + len(values))
            values += data + b"\0" * (len(data) % 2)
    return table + struct.pack("<I", 0) + values
