"""Consoles that print text as it is, and names in a form that any terminal can print."""

from __future__ import annotations

import contextlib
import os
import sys
import unicodedata
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import Console


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
