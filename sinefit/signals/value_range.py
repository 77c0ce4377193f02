"""The range of values that have no full scale, found by pieces."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from sinefit.errors import InputError
from sinefit.signals.signal import range_fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_PIECE_VALUES: Final = 2**21


def value_range(stored: NDArray[Any], name: str) -> tuple[float, float]:
    """Return the values that are mapped to -1 and +1: of booleans 0 and 1, else the extremes.

    Raises InputError, which calls the file `name`, for values that are not finite or span too much.
    """
    if stored.dtype.kind == "b":
        return 0.0, 1.0
    low, high = math.inf, -math.inf
    for piece in _pieces(stored):
        # The extremes of values with a NaN among them are NaN.
        smallest, largest = float(piece.min()), float(piece.max())
        if not (math.isfinite(smallest) and math.isfinite(largest)):
            raise InputError(
                f"{name} holds values that are not finite (NaN or infinity): replace them first"
            )
        low, high = min(low, smallest), max(high, largest)
    if high == low:
        # A constant gets a range around it, wide enough to differ from it in float64.
        half = max(0.5, abs(low) * 2.0**-20)
        low, high = low - half, high + half
    fault = range_fault(low, high)
    if fault is not None:
        raise InputError(f"{name} {fault}")
    return low, high


def _pieces(stored: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield all values, in runs of the file's own order."""
    flat = stored.ravel(order="K")  # a view of anything contiguous, as what a file holds is
    for start in range(0, flat.size, _PIECE_VALUES):
        yield flat[start : start + _PIECE_VALUES]
