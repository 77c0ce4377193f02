"""What people read: messages on standard error, and how names, times and sizes are written."""

from __future__ import annotations

import contextlib
import os
import sys
import unicodedata
from typing import IO, TYPE_CHECKING, Any, Final, Literal, cast

from sinefit.cli.flags import with_flags
from sinefit.cli.terminal.json_lines import Stamp
from sinefit.errors import SettingError

if TYPE_CHECKING:
    from rich.console import Console

ProgressMode = Literal["auto", "plain", "json", "none"]
"""The values of `--progress`."""
PROGRESS_HELP: Final = "auto (a bar, or lines where there is no terminal), plain, json or none."


def make_console(*, stderr: bool = True) -> Console:
    """Return a console that prints text as it is: no markup, no emoji, no cutting of lines.

    rich itself honours NO_COLOR, FORCE_COLOR and TERM=dumb. Where standard error is full or its
    reader has gone, what is printed there is lost, and that is all.
    """
    # Importing rich takes as long as all the rest of `sinefit --version`.
    from rich.console import Console

    file = cast("IO[str]", _StandardError()) if stderr and sys.stderr is not None else None
    return Console(
        stderr=stderr, file=file, highlight=False, markup=False, emoji=False, soft_wrap=True
    )


class _StandardError:
    """Standard error as it is when it is written to, whose failures end no work."""

    @property
    def _stream(self) -> Any:
        # A live display puts a file in its place that prints through the console, so through this.
        return getattr(sys.stderr, "rich_proxied_file", sys.stderr)

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def printable(text: str) -> str:
    """Return a text that any terminal can print on one line, whatever file names it holds.

    Bytes that are not UTF-8 are escaped, and so are control characters, which could break the line
    or command the terminal.
    """
    text = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(
        letter.encode("unicode_escape").decode() if _is_control(letter) else letter
        for letter in text
    )


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Zl", "Zp")


def show_error(message: str) -> None:
    """Print an error; never silenced, though lost where standard error is full or gone."""
    make_console().print(f"sinefit: error: {printable(message)}", style="red")


class Messages:
    """Notices on standard error: fewer when quiet, more when verbose, records for `json`."""

    def __init__(
        self, *, quiet: bool = False, verbose: bool = False, progress: ProgressMode = "auto"
    ) -> None:
        """Raise SettingError for options that contradict each other."""
        if quiet and verbose:
            raise SettingError("--quiet and --verbose exclude each other: give one of them")
        if quiet and progress in ("plain", "json"):
            raise SettingError(
                f"--quiet and --progress {progress} exclude each other: give one of them"
            )
        self.quiet = quiet
        self.verbose = verbose
        self.progress = progress
        self.console = make_console()
        self.stamp = Stamp()
        """Of the records on standard error and in the log."""

    def say(self, message: str) -> None:
        """Print a line."""
        if not self.quiet:
            self._print(message, "message", "", "")

    def detail(self, message: str) -> None:
        """Print a line when verbose."""
        if self.verbose:
            self._print(message, "message", "", "dim")

    def always(self, message: str) -> None:
        """Print a line even when quiet: it tells how to get back what was begun."""
        self._print(message, "message", "sinefit: ", "")

    def warn(self, message: str) -> None:
        """Print a line about something lost or changed."""
        if not self.quiet:
            self._print(message, "note", "sinefit: note: ", "yellow")

    def record(self, values: dict[str, Any]) -> None:
        """Print a record with `--progress json`, nothing otherwise."""
        if self.progress == "json":
            self.console.out(self.stamp.line(values), highlight=False)

    def _print(self, message: str, event: str, prefix: str, style: str) -> None:
        message = with_flags(message)
        if self.progress == "json":
            self.record({"event": event, "message": message})
        else:
            self.console.print(f"{prefix}{printable(message)}", style=style)


def duration(seconds: float) -> str:
    """Write seconds as people do: 0.4 s, 42 s, 3 min 5 s, 2 h 4 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: int) -> str:
    """Write a number of bytes as people do: 812 B, 3.1 kB, 2.4 MB."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} GB"
