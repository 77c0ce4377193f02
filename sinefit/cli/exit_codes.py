"""What the exit status of the command means, and how errors map to it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from enum import IntEnum
from typing import TYPE_CHECKING, NoReturn

import typer

from sinefit.cli.console import show_error
from sinefit.errors import InputError, OutputError, SettingError, SinefitError

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    INTERRUPTED = 130
    """Stopped by Ctrl-C."""
    PIPE_CLOSED = 141
    """The reader of standard output has gone."""
    TERMINATED = 143
    """Stopped by SIGTERM."""


class _Terminated(BaseException):
    """SIGTERM arrived; raised where it interrupts, so that temporary files are removed."""


@contextlib.contextmanager
def exit_codes() -> Iterator[None]:
    """Run a command; turn its errors into one line on standard error and an exit status."""
    before = signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    except SinefitError as error:
        show_error(str(error))
        raise typer.Exit(_code_of(error)) from error
    except BrokenPipeError as error:
        # Python flushes standard output once more at exit, which must not fail again.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.PIPE_CLOSED) from error
    except MemoryError as error:
        show_error(f"out of memory{f': {error}' if str(error) else ''}")
        raise typer.Exit(ExitCode.MEMORY) from error
    except RuntimeError as error:
        if not _is_out_of_memory(error):
            raise
        show_error("out of memory: try a smaller --width or --batch, or --device cpu")
        raise typer.Exit(ExitCode.MEMORY) from error
    except KeyboardInterrupt as error:
        show_error("stopped")
        raise typer.Exit(ExitCode.INTERRUPTED) from error
    except _Terminated as error:
        show_error("terminated")
        raise typer.Exit(ExitCode.TERMINATED) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _code_of(error: SinefitError) -> ExitCode:
    if isinstance(error, SettingError):
        return ExitCode.USAGE
    if isinstance(error, InputError):
        return ExitCode.INPUT
    if isinstance(error, OutputError):
        return ExitCode.OUTPUT
    return ExitCode.FAILURE


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Recognise torch's errors of this kind without importing torch."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return "OutOfMemoryError" in names or "can't allocate memory" in str(error)


def _raise_terminated(_number: int, _frame: object) -> NoReturn:
    raise _Terminated
