"""Room for samples: memory for ordinary signals, a temporary file for those that would not fit."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sinefit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

MEMORY_LIMIT = 512 * 2**20
"""Bytes of samples that are kept in memory; larger signals are kept in a temporary file."""
MAPPED_AT_ONCE = 2**26
"""Bytes of a file from the first to the last of the samples that are read at once."""


def allocate_samples(
    shape: tuple[int, ...], dtype: DTypeLike, limit: int = MEMORY_LIMIT
) -> NDArray[Any]:
    """Return a writable array of zeros, (*shape) of type `dtype`, to be filled by a reader.

    Up to `limit` bytes it lies in memory, above that in a temporary file which the system pages in
    and out, and which is gone as soon as the array is. Raises InputError when the file cannot be
    made as large as the signal.
    """
    kind = np.dtype(dtype)
    size = prod(shape) * kind.itemsize
    if size <= limit or size == 0:
        return np.zeros(shape, kind)
    descriptor, name = tempfile.mkstemp(prefix="sinefit-samples-")
    try:
        _reserve(descriptor, size)
        with os.fdopen(descriptor, "r+b", closefd=False) as file:
            return np.memmap(file, kind, mode="r+", shape=shape)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "more than the system can count"
        raise InputError(
            f"no room for {size / 2**20:.0f} MiB of samples in {Path(name).parent} "
            f"({reason}): point TMPDIR to a larger disk or read a smaller part"
        ) from None
    finally:
        os.close(descriptor)
        # The mapping keeps the contents alive where the system lets an open file be removed.
        with contextlib.suppress(PermissionError):
            Path(name).unlink()


def let_go(samples: NDArray[Any]) -> None:
    """Have the system take back the memory of samples in a file, which are read again when needed.

    What has been read or written of them would else count as memory in use until it runs short.
    Nothing is done for samples in memory. They may be a part of those in the file.
    """
    mapping = _mapping(samples)
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


def in_memory(samples: NDArray[Any]) -> NDArray[Any]:
    """Return samples, those in a file as a copy for which `let_go` is called on the way.

    A few of them, far apart, would else have the system map most of the file.
    """
    if _mapping(samples) is None:
        return samples
    found = np.empty(samples.shape, samples.dtype)
    rows = max(1, MAPPED_AT_ONCE // max(1, abs(samples.strides[0])))
    for first in range(0, len(samples), rows):
        found[first : first + rows] = samples[first : first + rows]
        let_go(samples)
    return found


def _mapping(samples: NDArray[Any]) -> mmap.mmap | None:
    """Return the shared mapping of a file that samples lie in, None if they do not."""
    base: object = samples
    while isinstance(base, np.ndarray):
        # Changes of a private mapping would be lost with its memory.
        if isinstance(base, np.memmap) and base.mode == "c":
            return None
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


class GrowingSamples:
    """Samples whose number shows at their end only: stored in a temporary file as they come.

    The file is freed when the `with` block that holds it is left. Raises InputError when there is
    no room for more.
    """

    def __init__(self, dtype: DTypeLike, limit: int = MEMORY_LIMIT) -> None:
        self._dtype = np.dtype(dtype)
        self._limit = limit
        self._file = tempfile.TemporaryFile(prefix="sinefit-samples-")  # noqa: SIM115
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def append(self, block: NDArray[np.generic]) -> None:
        """Store a block of samples."""
        content = np.ascontiguousarray(block, self._dtype)
        try:
            self._file.write(content.reshape(-1).view(np.uint8).data)
            self._file.flush()
        except OSError as error:
            raise InputError(
                f"no room for more than {self._bytes / 2**20:.0f} MiB of samples in "
                f"{tempfile.gettempdir()} ({error.strerror}): point TMPDIR to a larger disk or "
                "read a smaller part"
            ) from None
        self._bytes += content.nbytes

    def finish(self, channels: int) -> NDArray[Any]:
        """Return all samples (count, channels), in memory or, above the limit, mapped."""
        shape = (self._bytes // (self._dtype.itemsize * channels), channels)
        if self._bytes > self._limit:
            return np.memmap(self._file, self._dtype, mode="r+", shape=shape)
        samples = np.empty(shape, self._dtype)
        self._file.seek(0)
        self._file.readinto(samples.reshape(-1).view(np.uint8).data)
        return samples


def _reserve(descriptor: int, size: int) -> None:
    """Give the file its size, with its disk blocks where the system can promise them.

    A sparse file would end the process with a bus error, not an exception, when the disk fills up.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)
