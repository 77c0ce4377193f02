"""Writing samples of any kind as NumPy's .npy files, block by block."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sinefit.errors import OutputError
from sinefit.signals.array.formats import check_array_writable

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.signal import SignalSpec
    from sinefit.signals.writer import Encoding

_PIECE_VALUES = 2**21


class ArrayWriter:
    """Writes samples of any signal to a .npy file at `path` (a SignalWriter).

    The file's array has shape `spec.shape`, followed by the channels when there are several of them
    or the spec says that they stand last. Raises OutputError when the file cannot be written.
    """

    def __init__(self, path: Path, spec: SignalSpec, format: str, encoding: Encoding) -> None:
        check_array_writable(spec, format)
        self.notices: tuple[str, ...] = _losses(spec, encoding)
        self._path = path
        self._dtype = np.dtype(spec.dtype)
        self._block_shape = (*spec.shape[1:], spec.channels)
        self._length = spec.shape[0]
        self._written = 0
        self._step = max(1, _PIECE_VALUES // max(1, math.prod(self._block_shape)))
        keeps_channels = spec.channels_last or spec.channels > 1
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (*spec.shape, spec.channels) if keeps_channels else spec.shape,
        }
        try:
            self._file = path.open("wb")
            np.lib.format.write_array_header_1_0(self._file, header)
        except OSError as error:
            raise self._failure(error) from None

    def write(self, block: NDArray[np.generic]) -> None:
        """Append samples (count, *spec.shape[1:], channels) of the spec's dtype."""
        fits = block.shape[1:] == self._block_shape and block.dtype == self._dtype
        if not fits or self._written + len(block) > self._length:
            raise OutputError(
                f"a block of shape {block.shape} and type {block.dtype} does not belong to "
                f"{self._path}, which takes ({self._length}, {str(self._block_shape)[1:]}"
            )
        try:
            for start in range(0, len(block), self._step):
                piece = np.ascontiguousarray(block[start : start + self._step])
                self._file.write(piece.reshape(-1).view(np.uint8).data)
        except OSError as error:
            raise self._failure(error) from None
        self._written += len(block)

    def close(self) -> None:
        """Finish the file; raises OutputError when blocks are missing or the disk is full."""
        try:
            self._file.close()
        except OSError as error:
            raise self._failure(error) from None
        if self._written != self._length:
            raise OutputError(
                f"only {self._written} of {self._length} slabs were written to {self._path}"
            )

    def abort(self) -> None:
        """Close the file as it is."""
        self._file.close()

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"{self._path} cannot be written: {error.strerror or error}")


def _losses(spec: SignalSpec, encoding: Encoding) -> tuple[str, ...]:
    lost = {
        "sample rate": spec.rate is not None and spec.kind == "audio",
        "frame rate": spec.rate is not None and spec.kind == "video",
        "colour profile": spec.icc_profile is not None,
        "soundtrack": spec.soundtrack is not None,
    }
    notices = [
        f"npy cannot keep the {what}: it was left out" for what, is_lost in lost.items() if is_lost
    ]
    if encoding.quality is not None:
        notices.append("npy is lossless: `quality` has no effect")
    if encoding.subtype is not None:
        notices.append("npy keeps the samples as they are: `subtype` has no effect")
    return tuple(notices)
