"""Room for samples: memory for ordinary signals, a temporary file for those that would not fit."""

from __future__ import annotations

import contextlib
import os
import tempfile
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinefit.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

MEMORY_LIMIT = 512 * 2**20
"""Bytes of samples that are kept in memory; larger signals are kept in a temporary file."""


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


def _reserve(descriptor: int, size: int) -> None:
    """Give the file its size, with its disk blocks where the system can promise them.

    A sparse file would end the process with a bus error, not an exception, when the disk fills up.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)
