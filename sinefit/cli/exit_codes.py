"""How a command ends: its errors become a line and an exit status, signals unwind it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn, TextIO

import typer

from sinefit.cli.failures import ExitCode, describe_failure
from sinefit.cli.terminal.streams import Streams
from sinefit.errors import SinefitError

if TYPE_CHECKING:
    from collections.abc import Iterator


_ENDING = ("SIGTERM", "SIGUSR1", "SIGHUP")
"""Signals by which a batch system ends a command or warns that it will, and a lost terminal."""


class Termination(BaseException):
    """One of them ends the command; raised where it arrives, to have temporary files removed."""


_tracebacks = False


def show_tracebacks(*, wanted: bool) -> None:
    """Say whether an error that nobody expected is shown with its traceback."""
    global _tracebacks
    _tracebacks = wanted


@contextlib.contextmanager
def exit_codes(streams: Streams | None = None) -> Iterator[Streams]:
    """Run a command; turn its errors into one line on standard error and an exit status.

    Gives it its streams, by default those of the process.
    """
    streams = streams or Streams.of_process()
    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    before = {
        number: signal.signal(number, _raise_terminated)
        for number in numbers
        # What was ignored when the command began stays so: nohup, a shell's trap.
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield streams
    except BrokenPipeError as error:
        _forget_unwritten(streams.stdout, streams.stderr)
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
        streams.show_error(message)
        _forget_unwritten(streams.stdout, streams.stderr)
        raise typer.Exit(code) from error
    except KeyboardInterrupt as error:
        streams.show_error("stopped")
        raise typer.Exit(ExitCode.INTERRUPTED) from error
    except Termination as error:
        streams.show_error("terminated")
        raise typer.Exit(ExitCode.TERMINATED) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def outermost() -> Iterator[None]:
    """Run the whole command line; what is printed outside any command, as help is, can fail too."""
    _open_missing_streams()
    try:
        yield
    except SystemExit as stop:
        # Both rich and typer leave with 1 when they find the reader of a pipe gone.
        if isinstance(stop.__context__, BrokenPipeError):
            raise SystemExit(ExitCode.PIPE_CLOSED) from None
        raise
    except (OSError, SinefitError) as error:
        failure = describe_failure(error)
        if failure is None:
            raise
        message, code = failure
        Streams.of_process().show_error(message)
        _forget_unwritten(sys.stdout)
        raise SystemExit(code) from error
    finally:
        _forget_unwritten(sys.stderr)


def _open_missing_streams() -> None:
    """Open the null device for a closed standard stream, so that no file takes its number.

    What a library says on number 2 would else be written into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number


def _forget_unwritten(*streams: TextIO | None) -> None:
    """Send to nowhere what standard streams hold and cannot write.

    Python flushes both once more at its exit, where another failure would change the status.
    """
    for stream in filter(None, streams):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _raise_terminated(_number: int, _frame: object) -> NoReturn:
    raise Termination
