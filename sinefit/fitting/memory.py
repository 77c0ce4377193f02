"""The memory that a fit takes, told before it is asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sinefit.errors import MemoryLimitError

if TYPE_CHECKING:
    from sinefit.networks.size import NetworkSize

SHARE: Final = 0.9
"""Share of the free memory that a fit may take."""
_FLOAT: Final = 4
_THREAD_ROWS: Final = 512
"""Samples that a thread has room for, however small the batch."""


def fit_bytes(size: NetworkSize, piece: int, threads: int) -> int:
    """Return the bytes of a fit's tensors: what each weight needs, and the buffers of a piece.

    A weight is kept as itself, its gradient, Adam's two averages, the best so far, the copy that is
    measured, as packed tiles and as a gradient of each thread; the buffers hold sines, cosines and
    what flows between them, all taken as float32.
    """
    rows = max(piece, _THREAD_ROWS * threads)
    buffers = rows * (size.width * (2 * size.depth + 4) + size.in_features + size.out_features)
    return _FLOAT * ((8 + threads) * size.parameter_count + buffers)


def available_bytes() -> int | None:
    """Return how much memory can be had, None where the system does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def check_fit_memory(size: NetworkSize, piece: int, threads: int) -> None:
    """Raise MemoryLimitError, with the figures, if a fit on the CPU needs more than there is."""
    need, have = fit_bytes(size, piece, threads), available_bytes()
    if have is not None and need > SHARE * have:
        raise MemoryLimitError(
            f"a network of width {size.width} and depth {size.depth} needs {need / 1e9:.1f} GB to "
            f"train, {have / 1e9:.1f} GB are free: take a smaller `width` or `depth`"
        )
