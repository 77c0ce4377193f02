"""Standard input and output: what is piped in, and what is printed for a person or a machine."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from sinefit.cli.terminal.console import make_console
from sinefit.cli.terminal.events import finite
from sinefit.descriptors import descriptor_of
from sinefit.errors import InputError, OutputError, SettingError
from sinefit.files import STANDARD_STREAM, is_standard_output

if TYPE_CHECKING:
    from rich.console import Console

    from sinefit.signals.signal import Signal

STANDARD_INPUT: Final = "standard input"
"""What errors call it."""
JSON_VERSION: Final = 1
"""Version of the objects that `--json` prints; grows when a key changes its meaning or goes."""


def standard_input() -> BinaryIO:
    """Return standard input as a stream, for what need not be in memory as a whole.

    Raises InputError if it is a terminal or closed.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError("standard input: it is a terminal; pipe a file in or name one")
    return sys.stdin.buffer


def read_standard_input() -> bytes:
    """Return all of standard input; a terminal or no input at all is an error."""
    content = standard_input().read()
    if not content:
        raise InputError(
            "standard input: it is empty: the command before the pipe has written nothing; "
            "see what that one says"
        )
    return content


def read_input(source: str | bytes | BinaryIO, **options: Any) -> Signal:
    """Read a signal from a named file, or from standard input or what has been read of it.

    `options` are those of `read_signal`. A signal from standard input has no `spec.source`.
    """
    from sinefit.signals.reading import read_signal

    if isinstance(source, str):
        return read_signal(source, **options)
    signal = read_signal(source, name=STANDARD_INPUT, **options)
    return dataclasses.replace(signal, spec=dataclasses.replace(signal.spec, source=None))


def is_piped_into() -> bool:
    """Tell whether standard input is anything but a terminal, the null device or closed.

    A pipe counts that holds nothing: it is that of a command which has failed.
    """
    try:
        number = sys.stdin.fileno()
        found = os.fstat(number)
    except (OSError, ValueError, AttributeError):
        return False
    if not stat.S_ISCHR(found.st_mode):
        return True
    return not os.isatty(number) and found.st_rdev != Path(os.devnull).stat().st_rdev


def refuse_terminal(target: str) -> None:
    """Raise SettingError if binary output would go to a terminal."""
    if is_standard_output(target):
        if sys.stdout is not None and sys.stdout.isatty():
            raise SettingError(
                f"--output is {target}: standard output is a terminal; redirect it or name a file"
            )
    elif _is_terminal(target):
        raise SettingError(f"--output is {target}: it is a terminal; name a file")


def _is_terminal(target: str) -> bool:
    """Tell whether a name is that of a terminal, or of an open file that is one."""
    number = descriptor_of(target)
    try:
        if number is not None:
            return os.isatty(number)
        if not stat.S_ISCHR(os.stat(target).st_mode):  # noqa: PTH116 (it takes any name)
            return False
        # Without waiting for a line, and without becoming a terminal's own.
        handle = os.open(target, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError, AttributeError):
        return False
    try:
        return os.isatty(handle)
    finally:
        os.close(handle)


def default_stream() -> str:
    """Return the name of standard output for a command that has no file to name its output by."""
    if sys.stdout is not None and sys.stdout.isatty():
        raise SettingError("standard output is a terminal: name a file with --output")
    return STANDARD_STREAM


def write_json(values: dict[str, Any] | list[Any]) -> None:
    """Print one JSON value on standard output, an object with its version first.

    JSON has no infinity: a quality without any error is null.
    """
    if isinstance(values, dict):
        values = {"json_version": JSON_VERSION, **values}
    write_line(json.dumps(finite(values)))


def text_console() -> Console:
    """Return a console on standard output; raises OutputError where that is closed."""
    _check_standard_output()
    return make_console(stderr=False)


def write_line(text: str) -> None:
    """Print a line on standard output at once, so that whoever reads it can go on.

    Raises OutputError where it is closed or full, and BrokenPipeError if its reader has gone.
    """
    _check_standard_output()
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output: cannot write: {error.strerror or error}") from error


def _check_standard_output() -> None:
    if sys.stdout is None:
        raise OutputError("standard output is closed; there is nowhere to print")
