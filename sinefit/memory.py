"""Memory that work takes, held against what there is before it is asked for."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from sinefit.errors import MemoryLimitError

SHARE: Final = 0.9
"""Share of the free memory that work may take."""


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


def check_memory(need: int, work: str, cure: str) -> None:
    """Raise MemoryLimitError, with the figures, if `need` bytes are more than there are.

    `work` says what needs them, as "a render of 3x2 samples needs {} in memory"; `cure` what to do.
    """
    check_share(need, available_bytes(), work, cure)


def check_share(need: int, have: int | None, work: str, cure: str) -> None:
    """Do as `check_memory` where `have` bytes are free, None where the system does not tell."""
    if have is not None and need > SHARE * have:
        raise MemoryLimitError(
            f"{work.format(f'{need / 1e9:.1f} GB')}, {have / 1e9:.1f} GB are free: {cure}"
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory has run out, the machine's or a device's.

    Those of torch are recognised without importing it.
    """
    if isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno == errno.ENOMEM
    ):
        return True
    names = {kind.__name__ for kind in type(error).__mro__}
    return "OutOfMemoryError" in names or "can't allocate memory" in str(error)
