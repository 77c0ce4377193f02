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
from sinefit.errors import InputError, MemoryLimitError, OutputError, SettingError, SinefitError

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
    BATCH = 6
    """Some of several inputs failed; the others are done."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C."""
    PIPE_CLOSED = 141
    """The reader of standard output has gone."""
    TERMINATED = 143
    """Stopped by SIGTERM or SIGUSR1."""


_ENDING = ("SIGTERM", "SIGUSR1")
"""Signals by which a batch system ends a command, or warns that it is about to."""


class _Terminated(BaseException):
    """One of them arrived; raised where it interrupts, so that temporary files are removed."""


_tracebacks = False


def show_tracebacks(*, wanted: bool) -> None:
    """Say whether an error that nobody expected is shown with its traceback."""
    global _tracebacks
    _tracebacks = wanted


@contextlib.contextmanager
def exit_codes() -> Iterator[None]:
    """Run a command; turn its errors into one line on standard error and an exit status."""
    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    before = {number: signal.signal(number, _raise_terminated) for number in numbers}
    try:
        yield
    except BrokenPipeError as error:
        # Python flushes standard output once more at exit, which must not fail again.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.PIPE_CLOSED) from error
    except Exception as error:
        failure = describe_failure(error)
        if failure is None:
            if _tracebacks or isinstance(error, typer.Exit | typer.Abort):
                raise
            reason = " ".join(str(error).split())
            kind = type(error).__name__
            line = f"unexpected {kind}: {reason}; a defect of sinefit: sinefit --debug shows where"
            failure = (line, ExitCode.FAILURE)
        message, code = failure
        show_error(message)
        raise typer.Exit(code) from error
    except KeyboardInterrupt as error:
        show_error("stopped")
        raise typer.Exit(ExitCode.INTERRUPTED) from error
    except _Terminated as error:
        show_error("terminated")
        raise typer.Exit(ExitCode.TERMINATED) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def describe_failure(error: Exception) -> tuple[str, ExitCode] | None:
    """Return the line and the exit status for an error that a person can do something about."""
    if isinstance(error, SinefitError):
        return str(error), _code_of(error)
    if isinstance(error, MemoryError):
        return f"out of memory{f': {error}' if str(error) else ''}", ExitCode.MEMORY
    if _is_out_of_memory(error):
        return "out of memory: try a smaller --width or --batch, or --device cpu", ExitCode.MEMORY
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


def _is_out_of_memory(error: Exception) -> bool:
    """Recognise torch's errors of this kind without importing torch."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return "OutOfMemoryError" in names or "can't allocate memory" in str(error)


def _raise_terminated(_number: int, _frame: object) -> NoReturn:
    raise _Terminated
