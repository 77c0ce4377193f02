"""Standard streams: what is piped in, and what is printed for a person or a machine."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO, cast

from sinefit.cli.terminal.console import ForgivingStream, make_console, printable
from sinefit.cli.terminal.events import finite
from sinefit.descriptors import descriptor_of
from sinefit.errors import InputError, OutputError, SettingError
from sinefit.files import STANDARD_STREAM, is_standard_output

if TYPE_CHECKING:
    from typing import IO

    from rich.console import Console

    from sinefit.signals.signal import Signal

STANDARD_INPUT: Final = "standard input"
"""What errors call it."""
JSON_VERSION: Final = 1
"""Version of the objects that `--json` prints; grows when a key changes its meaning or goes."""


@dataclass(frozen=True)
class Streams:
    """Standard input, output and error of a command, None for one that is closed."""

    stdin: TextIO | None = None
    stdout: TextIO | None = None
    stderr: TextIO | None = None

    @classmethod
    def of_process(cls) -> Streams:
        """Return those of this process."""
        return cls(sys.stdin, sys.stdout, sys.stderr)

    def open_input(self) -> BinaryIO:
        """Return standard input as a stream, for what need not be in memory as a whole.

        Raises InputError if it is a terminal or closed.
        """
        if self.stdin is None or self.stdin.isatty():
            raise InputError("standard input: it is a terminal; pipe a file in or name one")
        return self.stdin.buffer

    def input_bytes(self) -> bytes:
        """Return all of standard input; a terminal or no input at all is an error."""
        content = self.open_input().read()
        if not content:
            raise InputError(
                "standard input: it is empty: the command before the pipe has written nothing; "
                "see what that one says"
            )
        return content

    def is_piped_into(self) -> bool:
        """Tell whether standard input is anything but a terminal, the null device or closed.

        A pipe counts that holds nothing: it is that of a command which has failed.
        """
        if self.stdin is None:
            return False
        try:
            number = self.stdin.fileno()
            found = os.fstat(number)
        except (OSError, ValueError):
            return False
        if not stat.S_ISCHR(found.st_mode):
            return True
        return not os.isatty(number) and found.st_rdev != Path(os.devnull).stat().st_rdev

    def refuse_outputs(self, targets: list[str], *, as_json: bool) -> None:
        """Raise SettingError if binary output would go to a terminal, or where --json prints."""
        if as_json and any(map(is_standard_output, targets)):
            raise SettingError("--json and --output - both claim standard output: name a file")
        for target in targets:
            self.refuse_terminal(target)

    def refuse_terminal(self, target: str) -> None:
        """Raise SettingError if binary output would go to a terminal."""
        if is_standard_output(target):
            if self._prints_on_terminal():
                raise SettingError(
                    f"--output is {target}: standard output is a terminal; redirect it or name a "
                    "file"
                )
        elif _is_terminal(target):
            raise SettingError(f"--output is {target}: it is a terminal; name a file")

    def default_output(self) -> str:
        """Return standard output's name, for a command without a file to name its output by."""
        if self._prints_on_terminal():
            raise SettingError("standard output is a terminal: name a file with --output")
        return STANDARD_STREAM

    def write_json(self, values: dict[str, Any]) -> None:
        """Print one JSON object on standard output, its version first.

        JSON has no infinity: a quality without any error is null.
        """
        self.write_line(json.dumps(finite({"json_version": JSON_VERSION, **values})))

    def write_line(self, text: str) -> None:
        """Print a line on standard output at once, so that whoever reads it can go on.

        Raises OutputError where it is closed or full, and BrokenPipeError if its reader has gone.
        """
        stdout = self._open_output()
        try:
            stdout.write(f"{text}\n")
            stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(
                f"standard output: cannot write: {error.strerror or error}"
            ) from error

    def text_console(self) -> Console:
        """Return a console on standard output; raises OutputError where that is closed."""
        return make_console(self._open_output())

    def message_console(self) -> Console:
        """Return a console on standard error.

        Where that is closed or full, or its reader has gone, what is printed there is lost.
        """
        if self.stderr is None:
            return make_console(io.StringIO())
        return make_console(cast("IO[str]", ForgivingStream(self.stderr)))

    def show_error(self, message: str) -> None:
        """Print an error on standard error; never silenced, though it can be lost there."""
        self.message_console().print(f"sinefit: error: {printable(message)}", style="red")

    def _open_output(self) -> TextIO:
        if self.stdout is None:
            raise OutputError("standard output is closed; there is nowhere to print")
        return self.stdout

    def _prints_on_terminal(self) -> bool:
        return self.stdout is not None and self.stdout.isatty()


def read_input(source: str | bytes | BinaryIO, **options: Any) -> Signal:
    """Read a signal from a named file, or from standard input or what has been read of it.

    `options` are those of `read_signal`. A signal from standard input has no `spec.source`.
    """
    from sinefit.signals.reading import read_signal

    if isinstance(source, str):
        return read_signal(source, **options)
    signal = read_signal(source, name=STANDARD_INPUT, **options)
    return dataclasses.replace(signal, spec=dataclasses.replace(signal.spec, source=None))


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
