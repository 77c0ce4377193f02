"""Where an output goes: a file, or bytes sent to standard output, an open file, a device."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Final

from sinefit.descriptors import descriptor_of
from sinefit.errors import OutputError

if sys.platform != "win32":
    import fcntl

STANDARD_STREAM: Final = "-"
"""The name that stands for standard input or standard output."""


def is_standard_input(source: str | Path) -> bool:
    """Tell whether `source` names standard input: "-", or its device where there is one."""
    return str(source) == STANDARD_STREAM or descriptor_of(source) == 0


def is_standard_output(target: str | Path) -> bool:
    """Tell whether `target` names standard output: "-", or its device where there is one."""
    return str(target) == STANDARD_STREAM or descriptor_of(target) == 1


def is_stream(target: str | Path) -> bool:
    """Tell whether bytes are sent to `target`: standard output, an open file, a device, a pipe."""
    if str(target) == STANDARD_STREAM or descriptor_of(target) is not None:
        return True
    mode = mode_of(Path(target))
    return mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def mode_of(path: str | Path) -> int | None:
    """Return the mode of what a path leads to, None where there is nothing."""
    try:
        return Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"{path}: cannot write there: {reason}") from error


def check_open(target: str | Path) -> None:
    """Raise OutputError if an open file cannot be written to: it is closed, or for reading."""
    if is_standard_output(target):
        if sys.stdout is None:
            raise OutputError("standard output is closed; name a file")
        return
    number = descriptor_of(target)
    if number is None or sys.platform == "win32":
        return
    try:
        is_writable = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    except OSError:
        is_writable = False
    if not is_writable:
        raise OutputError(f"{target}: it is not open for writing; name a file")
