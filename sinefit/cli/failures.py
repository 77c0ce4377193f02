"""What the exit statuses of the command mean, and how errors map to them."""

from __future__ import annotations

import errno
from enum import IntEnum

from sinefit.cli.flags import with_flags, with_origin
from sinefit.errors import InputError, MemoryLimitError, OutputError, SettingError, SinefitError
from sinefit.memory import is_out_of_memory

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EBADF)
"""What the system says where standard output, a copy or a temporary file cannot be written."""


class ExitCode(IntEnum):
    """The exit statuses of every command."""

    OK = 0
    """Done."""
    FAILURE = 1
    """It failed while running: a fit diverged, for one."""
    USAGE = 2
    """An option or argument is wrong, or a device is not there."""
    INPUT = 3
    """An input cannot be read or is not supported."""
    MEMORY = 4
    """Out of memory."""
    OUTPUT = 5
    """An output cannot be written, or exists already."""
    BATCH = 6
    """Some of several inputs failed; the others are done."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C."""
    PIPE_CLOSED = 141
    """The reader of standard output has gone."""
    TERMINATED = 143
    """Stopped by SIGTERM, SIGUSR1 or SIGHUP."""


def describe_failure(error: Exception) -> tuple[str, ExitCode] | None:
    """Return the line and the exit status for an error that a person can do something about."""
    if isinstance(error, SettingError):
        return with_origin(with_flags(str(error))), _code_of(error)
    if isinstance(error, SinefitError):
        return with_flags(str(error)), _code_of(error)
    if isinstance(error, MemoryError):
        return f"out of memory{f': {error}' if str(error) else ''}", ExitCode.MEMORY
    if is_out_of_memory(error):
        return "out of memory: try a smaller --width or --batch, or --device cpu", ExitCode.MEMORY
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        place = error.filename or "standard output"
        return f"{place}: cannot write: {error.strerror}", ExitCode.OUTPUT
    return None


def _code_of(error: SinefitError) -> ExitCode:
    if isinstance(error, SettingError):
        return ExitCode.USAGE
    if isinstance(error, InputError):
        return ExitCode.INPUT
    if isinstance(error, OutputError):
        return ExitCode.OUTPUT
    if isinstance(error, MemoryLimitError):
        return ExitCode.MEMORY
    return ExitCode.FAILURE
