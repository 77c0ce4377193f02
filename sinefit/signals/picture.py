"""A decoded picture whose rows are asked for by bands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass
class Picture:
    """A decoded, upright picture whose rows can be asked for."""

    width: int
    height: int
    channels: int
    dtype: str
    """NumPy name of the sample type."""
    rows: Callable[[int, int], NDArray[Any]]
    """rows(start, stop) returns (stop - start, width, channels)."""
    icc_profile: bytes | None
    notices: list[str] = field(default_factory=list)
