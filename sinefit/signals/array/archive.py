"""NumPy's .npz archives: the one array in them, unpacked by pieces.

NumPy itself takes memory for as many bytes as the archive claims.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from sinefit.errors import InputError, SinefitError
from sinefit.signals.storage import allocate_samples

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sinefit.signals.limits import Limits

_ENDING: Final = ".npy"
_PIECE_BYTES: Final = 2**20
_PACKINGS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEADERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_MOST_NAMED: Final = 8


def read_archive(source: Path, name: str, limits: Limits) -> NDArray[Any]:
    """Read the array of the .npz archive at `source`; `name` is what errors call it.

    Raises InputError when it holds none or several, is damaged, larger than `limits`, or holds
    what is not an array of plain values.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            entry = _only_array(archive, name)
            with archive.open(entry) as file:
                return _unpack(file, name, limits)
    except (SinefitError, MemoryError):
        raise
    except Exception as error:  # the header is parsed as Python, which can raise nearly anything
        raise InputError(
            f"{name} cannot be read as npz: {fault_in_words(error)}; get another copy or save it "
            "again"
        ) from None


def fault_in_words(error: Exception) -> str:
    """Say in one line why NumPy, or the unpacking of its archive, failed."""
    # Other errors are slips of Python's parser over damage, or of the mapping of a short file.
    told = isinstance(error, ValueError | zipfile.BadZipFile) and "mmap" not in str(error)
    lines = str(error).strip().splitlines() if told else []
    text = "".join(letter for letter in lines[0] if letter.isprintable()) if lines else ""
    return text[:200] or "its header is damaged, or it is cut short"


def _only_array(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    entries = [entry for entry in archive.infolist() if entry.filename.endswith(_ENDING)]
    if len(entries) != 1:
        names = [entry.filename.removesuffix(_ENDING)[:40] for entry in entries[:_MOST_NAMED]]
        plain = ["".join(letter for letter in each if letter.isprintable()) for each in names]
        more = ", ..." if len(entries) > _MOST_NAMED else ""
        raise InputError(
            f"{name} holds {len(entries)} arrays ({', '.join(plain)}{more}): save one of them as "
            ".npy"
            if entries
            else f"{name} holds no array: save one as .npy"
        )
    (entry,) = entries
    if entry.compress_type not in _PACKINGS or entry.flag_bits & 1:
        raise InputError(f"{name} is packed or encrypted in a way that NumPy does not write")
    return entry


def _unpack(file: IO[bytes], name: str, limits: Limits) -> NDArray[Any]:
    version = np.lib.format.read_magic(file)
    read_header = _HEADERS.get(version)
    if read_header is None:
        raise ValueError(f"its version {version[0]}.{version[1]} is not known")
    with warnings.catch_warnings(action="ignore"):  # of headers that Python 2 wrote
        shape, by_columns, dtype = read_header(file)
    if dtype.hasobject or dtype.itemsize == 0 or min(shape, default=1) < 0:
        raise ValueError("it holds no plain values")
    limits.check_samples(shape, dtype, name)
    stored = allocate_samples((math.prod(shape),), dtype)
    room = stored.view(np.uint8)
    filled = 0
    while filled < len(room):
        piece = file.read(min(_PIECE_BYTES, len(room) - filled))
        if not piece:
            raise ValueError(f"{len(room) - filled} bytes of its values are missing")
        room[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
        filled += len(piece)
    return stored.reshape(shape, order="F" if by_columns else "C")
