"""The events of a batch as JSON lines, in the file of `--log` and on standard error."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinefit.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sinefit.cli.terminal.messages import Messages

    EventCallback = Callable[[dict[str, Any]], None]


@contextlib.contextmanager
def open_log(log: str | None, messages: Messages) -> Iterator[EventCallback | None]:
    """Give a function that tells an event in a log, and on standard error where that is asked for.

    None where it is told nowhere, so that nobody need put it together. Raises OutputError for a log
    that cannot be written.
    """
    if log is None and messages.progress != "json":
        yield None
        return
    with contextlib.ExitStack() as stack:
        write = None if log is None else stack.enter_context(_log_file(log))

        def tell(values: dict[str, Any]) -> None:
            if write is not None:
                write(messages.stamp.line(values))
            messages.event(values)

        yield tell


@contextlib.contextmanager
def _log_file(name: str) -> Iterator[Callable[[str], None]]:
    """Give a function that appends a line to a file."""
    try:
        # Without a buffer every line is whole in the file, and nothing fails when it is closed.
        file = Path(name).open("ab", buffering=0)  # noqa: SIM115 (closed below)
    except OSError as error:
        raise OutputError(f"{name}: cannot write the log: {error.strerror}") from error

    def write(line: str) -> None:
        content = line.encode() + b"\n"
        written = 0
        try:
            while written < len(content):
                written += file.write(content[written:])
        except OSError as error:
            # Where a disk fills up, a part of the line still fits: half of one spoils the file.
            with contextlib.suppress(OSError):
                os.ftruncate(file.fileno(), os.fstat(file.fileno()).st_size - written)
            raise OutputError(f"{name}: cannot write the log: {error.strerror}") from error

    with file:
        yield write
