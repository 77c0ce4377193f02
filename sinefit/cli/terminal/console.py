"""Consoles that print text as it is, and names in a form that any terminal can print."""

from __future__ import annotations

import contextlib
import os
import unicodedata
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from typing import IO

    from rich.console import Console


def make_console(file: IO[str]) -> Console:
    """Return a console that prints text as it is: no markup, no emoji, no cutting of lines.

    rich itself honours NO_COLOR, FORCE_COLOR and TERM=dumb.
    """
    # Importing rich takes as long as all the rest of `sinefit --version`.
    from rich.console import Console

    return Console(file=file, highlight=False, markup=False, emoji=False, soft_wrap=True)


class ForgivingStream:
    """A stream whose failures end no work: what it cannot take is lost, and that is all."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text as far as that goes."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Send on what is held, as far as that goes."""
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
