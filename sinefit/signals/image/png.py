"""A PNG encoder that takes a picture by bands of rows and holds only one band.

Own code, because no library at hand does all of it: Pillow reduces 16-bit colour to 8 bits and
wants the whole picture at once, and ffmpeg carries no colour profile.

Format: W3C, Portable Network Graphics Specification (Third Edition), chapters 9 to 11.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from sinefit.signals.image.row_stream import RowStream

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST_SIDE = 2**31 - 1
"""The format's limit on width and height, in pixels."""

_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> grey, grey and alpha, RGB, RGBA
_BAND_BYTES = 2**20
_CHUNK_BYTES = 2**16


class PngStream(RowStream):
    """Writes PNG of bit depth 8 or 16, without seeking.

    A colour profile is embedded as it is; without one the file makes no statement about its
    colours.
    """

    _name = "PNG"

    def _begin(self) -> None:
        self._dtype = np.dtype(">u2" if self._bit_depth == 16 else "u1")
        self._row_bytes = self._width * self._channels * self._dtype.itemsize
        self._previous = np.zeros(self._row_bytes, np.uint8)
        self._compressor = zlib.compressobj(6)
        self._pending = bytearray()
        self._file.write(SIGNATURE)
        kind = _COLOR_TYPES[self._channels]
        header = (self._width, self._height, self._bit_depth, kind, 0, 0, 0)
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", *header))
        if self._icc_profile is not None:
            self._chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(self._icc_profile))

    def _append(self, rows: NDArray[np.generic]) -> None:
        step = max(1, _BAND_BYTES // self._row_bytes)
        for start in range(0, len(rows), step):
            band = np.ascontiguousarray(rows[start : start + step].astype(self._dtype))
            self._band(band.view(np.uint8).reshape(len(band), self._row_bytes))

    def _end(self) -> None:
        self._pending += self._compressor.flush()
        self._flush()
        if self._pending:
            self._chunk(b"IDAT", bytes(self._pending))
        self._chunk(b"IEND", b"")

    def _band(self, rows: NDArray[np.uint8]) -> None:
        pixel_bytes = self._channels * self._dtype.itemsize
        filtered = filter_rows(rows, self._previous, pixel_bytes)
        self._previous = rows[-1].copy()
        self._pending += self._compressor.compress(filtered.data)
        self._flush()

    def _flush(self) -> None:
        """Write chunks of one size, so that a file does not tell in which pieces it was made."""
        while len(self._pending) >= _CHUNK_BYTES:
            self._chunk(b"IDAT", bytes(self._pending[:_CHUNK_BYTES]))
            del self._pending[:_CHUNK_BYTES]

    def _chunk(self, name: bytes, data: bytes) -> None:
        self._file.write(png_chunk(name, data))


def png_chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk: its length, its name of four letters, its data and their checksum."""
    checksum = zlib.crc32(data, zlib.crc32(name))
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def filter_rows(
    rows: NDArray[np.uint8], previous: NDArray[np.uint8], pixel_bytes: int
) -> NDArray[np.uint8]:
    """Filter rows of bytes (count, row bytes), each by the filter that leaves the smallest residue.

    `previous` (row bytes,) is the row above the first. The residue is the sum of absolute values of
    the bytes read as signed (the specification's heuristic, section 12.7). Returns an array
    (count, 1 + row bytes) whose first column names the filter of each row.
    """
    count, row_bytes = rows.shape
    above = np.vstack([previous[None], rows[:-1]])
    left = np.zeros_like(rows)
    left[:, pixel_bytes:] = rows[:, :-pixel_bytes]
    above_left = np.zeros_like(rows)
    above_left[:, pixel_bytes:] = above[:, :-pixel_bytes]

    result = np.empty((count, 1 + row_bytes), np.uint8)
    least = np.full(count, np.iinfo(np.int64).max)
    for number in range(5):
        candidate = rows - _prediction(number, left, above, above_left)  # bytes wrap as they should
        magnitude = np.minimum(candidate, 0 - candidate)
        residue = magnitude.sum(axis=1, dtype=np.int64)
        better = residue < least
        least[better] = residue[better]
        result[better, 0] = number
        result[better, 1:] = candidate[better]
    return result


def _prediction(
    number: int, left: NDArray[np.uint8], above: NDArray[np.uint8], above_left: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return what filter `number` (none, sub, up, average, Paeth) predicts for each byte."""
    if number == 0:
        return np.zeros_like(left)
    if number == 1:
        return left
    if number == 2:
        return above
    if number == 3:
        # The mean of two bytes rounded down, without leaving 8 bits.
        return (left & above) + ((left ^ above) >> 1)
    a = left.astype(np.int16)
    b = above.astype(np.int16)
    c = above_left.astype(np.int16)
    from_left = np.abs(b - c)
    from_above = np.abs(a - c)
    from_corner = np.abs(a + b - 2 * c)
    take_left = (from_left <= from_above) & (from_left <= from_corner)
    return np.where(take_left, left, np.where(from_above <= from_corner, above, above_left))
