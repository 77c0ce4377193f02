"""Reading arrays: NumPy's .npy files, through a memory map, and .npz archives of one array."""

from __future__ import annotations

import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from sinefit.errors import InputError, SettingError
from sinefit.signals.array.archive import fault_in_words, read_archive
from sinefit.signals.array.formats import ARRAY_FORMATS
from sinefit.signals.limits import DEFAULT_LIMITS
from sinefit.signals.masks import without_nan
from sinefit.signals.selection import Selection
from sinefit.signals.signal import Signal, SignalSpec, value_range
from sinefit.signals.storage import allocate_samples

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.limits import Limits
    from sinefit.signals.signal import Domain

_TYPES = "bool, integers of 8 to 64 bits, float16, float32 or float64"


def read_array(
    source: Path, name: str, format: str, selection: Selection, limits: Limits = DEFAULT_LIMITS
) -> Signal:
    """Read the .npy or .npz file at `source`; `name` is what errors call it.

    Every axis is a coordinate, except the last one under `selection.channels_last`. Returns samples
    (*axes, channels) in the file's type, of which `low` and `high` are the smallest and the largest
    value. Raises InputError when the file is damaged, empty, larger than `limits`, of a type other
    than the real ones, or holds infinite values, and SettingError when the axes do not
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
    signal = Signal(spec, values if selection.channels_last else values[..., np.newaxis])
    return without_nan(signal)


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
