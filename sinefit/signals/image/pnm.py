"""PBM, PGM and PPM, the pictures of pipes: read by rows, and written as they come.

Own code, because Pillow reduces 16-bit colour to 8 bits and wants the whole picture at once.

Format: Poskanzer, the manual pages pbm(5), pgm(5), ppm(5) and pnm(5) of Netpbm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sinefit.errors import InputError
from sinefit.signals.image.pixels import Picture
from sinefit.signals.image.row_stream import RowStream

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.limits import Limits

_SPACE: Final = rb"(?:[ \t\r\n\v\f]|#[^\r\n]*[\r\n])"
_BITS: Final = re.compile(rb"P([14])%s+(\d{1,10})%s+(\d{1,10})" % (_SPACE, _SPACE))
_VALUES: Final = re.compile(
    rb"P([2356])%s+(\d{1,10})%s+(\d{1,10})%s+(\d{1,5})" % (_SPACE, _SPACE, _SPACE)
)
_HEAD_BYTES: Final = 2**16
_NEXT: Final = re.compile(rb"\s*P[1-6]\s")
_CHANNELS: Final = {1: 1, 2: 1, 3: 3, 4: 1, 5: 1, 6: 3}


def is_pnm(head: bytes) -> bool:
    """Tell whether `head` begins like a PBM, PGM or PPM file."""
    return _BITS.match(head) is not None or _VALUES.match(head) is not None


@dataclass(frozen=True)
class _Header:
    number: int
    """The digit of its signature: 1 to 3 plain text, 4 to 6 binary; bits, grey, colour."""
    width: int
    height: int
    largest: int
    """The value of white."""
    begin: int
    """Where its samples begin."""

    @property
    def channels(self) -> int:
        return _CHANNELS[self.number]

    @property
    def row_values(self) -> int:
        """Values, or bytes of bits, in a row."""
        return -(-self.width // 8) if self.number == 4 else self.width * self.channels

    @property
    def stored(self) -> np.dtype[Any]:
        return np.dtype(">u2" if self.largest > 255 else "u1")


def decode_pnm(source: Path, name: str, limits: Limits) -> Picture:
    """Describe the picture at `source`, whose rows are read as they are asked for.

    Its samples are uint8, or uint16 where white is above 255. Raises InputError, which calls the
    file `name`, when it is damaged, cut short or larger than `limits`.
    """
    header = _read_header(source, name)
    limits.check_picture(header.width, header.height, name)
    full = 65535 if header.largest > 255 else 255
    dtype = np.dtype(np.uint8 if full == 255 else np.uint16)
    shape = (header.height, header.width, header.channels)
    limits.check_samples(shape, dtype, name)
    notices = []
    if header.largest not in (1, full):
        notices.append(f"its white of {header.largest} was widened to {full}")
    if header.number < 4:
        stored = _plain_values(source, name, header)
    else:
        stored = _binary_values(source, name, header, notices)

    def rows(start: int, stop: int) -> NDArray[Any]:
        values: NDArray[Any] = stored[start:stop]
        if header.number == 4:
            values = np.unpackbits(values, axis=1, count=header.width)
        if header.number in (1, 4):
            values = 1 - values  # ink is black
        if header.largest != full:
            wide = np.minimum(values.astype(np.uint32), header.largest) * full
            values = (wide + header.largest // 2) // header.largest
        return values.astype(dtype).reshape(stop - start, header.width, header.channels)

    return Picture(header.width, header.height, header.channels, dtype.name, rows, None, notices)


def _read_header(source: Path, name: str) -> _Header:
    with source.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    match = _BITS.match(head) or _VALUES.match(head)
    if match is None:
        raise InputError(
            f"{name} cannot be read as ppm: its header is damaged; get another copy or save it "
            "again"
        )
    number, width, height, *rest = (int(value) for value in match.groups())
    largest = rest[0] if rest else 1
    if not 1 <= largest <= 65535:
        raise InputError(f"{name} cannot be read as ppm: its white is {largest}, not 1 to 65535")
    # One character of white space ends the header of a binary file.
    return _Header(number, width, height, largest, match.end() + (number > 3))


def _binary_values(
    source: Path, name: str, header: _Header, notices: list[str]
) -> NDArray[np.generic]:
    """Map the samples of a binary file, a row of it per row."""
    values = header.height * header.row_values
    end = header.begin + values * header.stored.itemsize
    missing = end - source.stat().st_size
    if missing > 0:
        raise InputError(
            f"{name} is cut short: {missing} bytes of its pixels are missing; get a complete copy"
        )
    with source.open("rb") as file:
        file.seek(end)
        if _NEXT.match(file.read(64)):
            notices.append("only the first of its pictures was read")
    shape = (header.height, header.row_values)
    return np.memmap(source, header.stored, "r", header.begin, shape)


def _plain_values(source: Path, name: str, header: _Header) -> NDArray[np.generic]:
    """Read the samples of a file that has them as text."""
    count = header.height * header.row_values
    size = source.stat().st_size - header.begin
    # Digits of bits need no space between them.
    if count > size // (1 if header.number == 1 else 2) + 1:
        raise InputError(
            f"{name} is cut short: its bytes cannot hold {count} values; get a complete copy"
        )
    with source.open("rb") as file:
        file.seek(header.begin)
        text = re.sub(rb"#[^\r\n]*", b"", file.read())
    if header.number == 1:
        values = np.frombuffer(bytes(digit for digit in text if digit in b"01"), np.uint8) - 48
    else:
        try:
            values = np.array([int(word) for word in text.split()[:count]], np.uint16)
        except (ValueError, OverflowError):
            raise InputError(
                f"{name} cannot be read as ppm: there is more than numbers in it; save it again"
            ) from None
    if len(values) < count:
        raise InputError(
            f"{name} is cut short: it has {len(values)} of {count} values; get a complete copy"
        )
    return values[:count].reshape(header.height, header.row_values)


class PnmStream(RowStream):
    """Writes PGM (1 channel) or PPM (3) of bit depth 8 or 16, without seeking.

    A colour profile cannot be kept.
    """

    _name = "PPM"

    def _begin(self) -> None:
        assert self._icc_profile is None
        self._dtype = np.dtype(">u2" if self._bit_depth == 16 else "u1")
        signature = "P5" if self._channels == 1 else "P6"
        white = 2**self._bit_depth - 1
        self._file.write(f"{signature}\n{self._width} {self._height}\n{white}\n".encode())

    def _append(self, rows: NDArray[np.generic]) -> None:
        self._file.write(np.ascontiguousarray(rows.astype(self._dtype)).data)
