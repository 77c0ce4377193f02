"""Wrong options and arguments: what the parser of options says of them, as one line."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, Final

import typer

from sinefit.cli.failures import ExitCode
from sinefit.cli.flags import flag_of, origin_of
from sinefit.cli.terminal.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Iterator

_UsageError: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""What all of them are; typer has no name of its own for it."""
_WANTED: Final = {"int": "a whole number", "float": "a number", "bool": "true or false"}
"""What the types of options are called."""


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
        Streams.of_process().show_error(usage_line(error, command))
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
    return _wrong_value(error) or _sentence(error)


def _wrong_value(error: Any) -> str | None:
    """Return what is wrong with an option's value and where it is from, None where it is not told.

    The parser's own words would be those of its libraries.
    """
    parameter, cause = getattr(error, "param", None), error.__cause__
    if parameter is None or not hasattr(cause, "errors"):
        return None
    details = cause.errors()[0]
    limits = details.get("ctx", {})
    choices = re.search("is not one of (.*)", details["msg"])
    if choices is not None:
        wanted: str | None = f"one of {choices[1].rstrip('.')}".replace("'", "")
    elif details["type"] == "less_than_equal":
        wanted = f"at most {limits['le']}"
    elif details["type"] == "greater_than_equal":
        wanted = f"at least {limits['ge']}"
    else:
        wanted = _WANTED.get(details["type"].partition("_")[0])
    if wanted is None:
        return None
    flag, origin = flag_of(parameter), origin_of(error.ctx, parameter)
    prefix = "" if origin is None else f"{origin}: "
    return f"{prefix}{flag} is {details['input']!r}: it must be {wanted}"


def _sentence(error: Any) -> str:
    """Return the parser's sentences as clauses, the names of options without their quotes."""
    text = " ".join(error.format_message().split()).rstrip(".")
    text = re.sub(r"\. (\w)", lambda match: f"; {match[1].lower()}", text)
    text = re.sub(r"'(--?[a-z-]+)'", r"\1", text, flags=re.IGNORECASE)
    return text[:1].lower() + text[1:]
