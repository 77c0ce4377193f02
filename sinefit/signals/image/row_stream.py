"""What the encoders that take a picture by bands of rows have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, ClassVar

from sinefit.errors import OutputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RowStream:
    """Writes one picture to an open binary file, which is never closed.

    `channels` is 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA).
    """

    _name: ClassVar[str]

    def __init__(
        self,
        file: BinaryIO,
        width: int,
        height: int,
        channels: int,
        bit_depth: int,
        icc_profile: bytes | None = None,
    ) -> None:
        self._file = file
        self._width, self._height, self._channels = width, height, channels
        self._bit_depth = bit_depth
        self._icc_profile = icc_profile
        self._rows_left = height
        self._begin()

    def _begin(self) -> None:
        """Write what stands before the first row."""

    def write(self, rows: NDArray[np.generic]) -> None:
        """Append rows of shape (count, width, channels), of the type that the bit depth says."""
        if rows.shape[1:] != (self._width, self._channels) or len(rows) > self._rows_left:
            raise OutputError(
                f"rows of shape {rows.shape} do not fit the {self._name} that was begun"
            )
        self._rows_left -= len(rows)
        self._append(rows)

    def _append(self, rows: NDArray[np.generic]) -> None:
        """Write rows that fit."""
        raise NotImplementedError

    def close(self) -> None:
        """Write what stands behind the last row; raises OutputError when rows are missing."""
        if self._rows_left:
            raise OutputError(f"{self._rows_left} rows of the {self._name} were never written")
        self._end()

    def _end(self) -> None:
        """Write what stands behind the last row."""
