"""Wrong options and arguments: what the parser of options says of them, as one line."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, Final

import typer

from sinefit.cli.console import show_error
from sinefit.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

_UsageError: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""What all of them are; typer has no name of its own for it."""


@contextlib.contextmanager
def usage_errors(command: str | None = None) -> Iterator[None]:
    """Parse a command line; turn what is wrong with it into one line and the status USAGE.

    `command` is the subcommand whose options are parsed, None before there is one. Where there is
    nothing to parse typer shows help instead.
    """
    try:
        yield
    except _UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        show_error(usage_line(error, command))
        raise typer.Exit(ExitCode.USAGE) from error


def usage_line(error: Any, command: str | None = None) -> str:
    """Return the line for a usage error: the command, what is wrong, and where to look."""
    words = [] if command is None else [command]
    return f"{': '.join([*words, _cause(error)])} (see: {' '.join(['sinefit', *words, '--help'])})"


def _cause(error: Any) -> str:
    if type(error).__name__ == "NoSuchOption":
        close = error.possibilities
        hint = f"; did you mean {close[0]}?" if close else ""
        return f"no such option {error.option_name}{hint}"
    text = " ".join(error.format_message().split()).rstrip(".")
    # The parser's sentences become clauses, and the names of options lose their quotes.
    text = re.sub(r"\. (\w)", lambda match: f"; {match[1].lower()}", text)
    text = re.sub(r"'(--?[a-z-]+)'", r"\1", text, flags=re.IGNORECASE)
    text = text.replace(": Value error, ", ": ").replace(": Input should", ": it should")
    return text[:1].lower() + text[1:]
