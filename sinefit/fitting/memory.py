"""The memory that a fit takes, told before it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sinefit.memory import check_memory

if TYPE_CHECKING:
    from sinefit.networks.size import NetworkSize

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


def check_fit_memory(size: NetworkSize, piece: int, threads: int) -> None:
    """Raise MemoryLimitError, with the figures, if a fit on the CPU needs more than there is."""
    check_memory(
        fit_bytes(size, piece, threads),
        f"a network of width {size.width} and depth {size.depth} needs {{}} to train",
        "take a smaller `width` or `depth`",
    )
