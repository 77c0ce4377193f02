"""Reading and writing arrays: NumPy's .npy files, and .npz archives of one array.

A .npy file is read through a memory map and written block by block, so that it may be larger than
memory.
"""

from __future__ import annotations

import math
import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from sinefit.errors import InputError, OutputError, SettingError
from sinefit.signals.array_archive import fault_in_words, read_archive
from sinefit.signals.limits import DEFAULT_LIMITS
from sinefit.signals.selection import Selection
from sinefit.signals.signal import Signal, SignalSpec
from sinefit.signals.storage import allocate_samples
from sinefit.signals.value_range import value_range

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.limits import Limits
    from sinefit.signals.signal import Domain
    from sinefit.signals.writer import Encoding

ARRAY_FORMATS: Mapping[str, tuple[str, ...]] = {"npy": (".npy",), "npz": (".npz",)}
"""Format name -> endings of file names with the dot."""

ARRAY_WRITTEN = ("npy",)
"""The names of the formats that arrays are written in."""

_TYPES = "bool, integers of 8 to 64 bits, float16, float32 or float64"
_PIECE_VALUES = 2**21


def read_array(
    source: Path,
    name: str,
    format: str,
    selection: Selection,
    limits: Limits = DEFAULT_LIMITS,
) -> Signal:
    """Read the .npy or .npz file at `source`; `name` is what errors call it.

    Every axis is a coordinate, except the last one under `selection.channels_last`. Returns samples
    (*axes, channels) in the file's type, of which `low` and `high` are the smallest and the largest
    value. Raises InputError when the file is damaged, empty, larger than `limits`, of a type other
    than the real ones, or holds values that are not finite, and SettingError when the axes do not
    suit the selection.
    """
    if format not in ARRAY_FORMATS:
        raise InputError(f"{name} cannot be read as {format}: arrays are read from npy and npz")
    if format == "npz":
        return _signal(read_archive(source, name, limits), name, selection, format)
    stored = _map(source, name)
    limits.check_samples(stored.shape, stored.dtype, name)
    return _signal(stored, name, selection, format)


def array_signal(
    values: NDArray[Any], *, channels_last: bool = False, domain: Domain = "grid"
) -> Signal:
    """Return an array in memory as a signal, under the same rules as a .npy file.

    The samples are a view of `values` wherever NumPy can give one, not a copy. Raises SettingError
    for an array with masked values.
    """
    if np.ma.is_masked(values):
        raise SettingError("the array has masked values: give them values first, by .filled(0.0)")
    selection = Selection(channels_last=channels_last, domain=domain)
    return _signal(np.asarray(values), "the array", selection, "npy")


def _signal(stored: NDArray[Any], name: str, selection: Selection, format: str) -> Signal:
    if stored.dtype.kind not in "biuf" or stored.dtype.itemsize > 8:
        raise InputError(f"{name} holds values of type {stored.dtype}: convert them to {_TYPES}")
    if stored.ndim == 0 or stored.size == 0:
        raise InputError(f"{name} has shape {stored.shape}: it holds no samples to fit")
    shape, channels = _axes(stored.shape, name, selection)
    low, high = value_range(stored, name)
    values = stored if stored.dtype.isnative else _native(stored)
    spec = SignalSpec(
        kind="array",
        shape=shape,
        channels=channels,
        dtype=values.dtype.name,
        low=low,
        high=high,
        format=format,
        bit_depth=1 if values.dtype.kind == "b" else values.dtype.itemsize * 8,
        channels_last=selection.channels_last,
        domain=selection.domain,
    )
    # An axis is added rather than the shape changed, which would copy arrays in Fortran order.
    return Signal(spec, values if selection.channels_last else values[..., np.newaxis])


def check_array_writable(spec: SignalSpec, format: str) -> None:
    """Raise OutputError when `format` cannot hold the samples; .npy holds those of every signal."""
    if format not in ARRAY_WRITTEN:
        raise OutputError(f"format {format} cannot hold {spec.kind}: arrays are written as npy")


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


def _map(source: Path, name: str) -> NDArray[Any]:
    try:
        # A file with no values cannot be mapped, and needs no memory either.
        with warnings.catch_warnings(action="ignore"):  # of headers that Python 2 wrote
            _check_header_length(source)
            stored = np.load(source, mmap_mode="r" if source.stat().st_size else None)
    except Exception as error:  # the header is parsed as Python, which can raise nearly anything
        raise InputError(
            f"{name} cannot be read as npy: {fault_in_words(error)}; get another copy or save it "
            "again"
        ) from None
    if not isinstance(stored, np.ndarray):
        stored.close()
        raise InputError(f"{name} is an archive of arrays: save one of them as .npy")
    return stored


def _check_header_length(source: Path) -> None:
    """Raise ValueError when a header claims more bytes than the file has: room is made for them."""
    with source.open("rb") as file:
        head = file.read(12)
    long = len(head) == 12 and head[6] > 1  # else its length has 2 bytes
    if long and struct.unpack("<I", head[8:])[0] > source.stat().st_size:
        raise ValueError("it ends within its header")


def _axes(shape: tuple[int, ...], name: str, selection: Selection) -> tuple[tuple[int, ...], int]:
    """Split a file's shape into the axes that are coordinates and the number of channels."""
    if selection.channels_last and len(shape) < 2:
        raise SettingError(f"`channels_last` needs 2 axes or more: {name} has shape {shape}")
    axes, channels = (shape[:-1], shape[-1]) if selection.channels_last else (shape, 1)
    if selection.domain == "sphere" and len(axes) != 2:
        raise SettingError(
            f"`domain` sphere needs the two axes latitude and longitude: {name} has shape {shape}"
            + ("" if selection.channels_last else " (is the last one `channels_last`?)")
        )
    return axes, channels


def _native(stored: NDArray[Any]) -> NDArray[Any]:
    """Copy into this machine's byte order."""
    values = allocate_samples(stored.shape, stored.dtype.newbyteorder("="))
    values[...] = stored
    return values


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
