"""What a command says on standard error while it works, to people or to machines."""

from __future__ import annotations

from typing import Any, Final, Literal

from sinefit.cli.flags import with_flags
from sinefit.cli.terminal.console import printable
from sinefit.cli.terminal.events import Stamp
from sinefit.cli.terminal.streams import Streams
from sinefit.errors import SettingError

ProgressMode = Literal["auto", "plain", "json", "none"]
"""The values of `--progress`."""
PROGRESS_HELP: Final = "auto (a bar, or lines where there is no terminal), plain, json or none."


class Messages:
    """Notices on standard error: fewer when quiet, more when verbose, events for `json`."""

    def __init__(
        self,
        streams: Streams | None = None,
        *,
        quiet: bool = False,
        verbose: bool = False,
        progress: ProgressMode = "auto",
    ) -> None:
        """Prepare for streams, by default those of the process.

        Raises SettingError for options that contradict each other.
        """
        if quiet and verbose:
            raise SettingError("--quiet and --verbose exclude each other: give one of them")
        if quiet and progress in ("plain", "json"):
            raise SettingError(
                f"--quiet and --progress {progress} exclude each other: give one of them"
            )
        self.quiet = quiet
        self.verbose = verbose
        self.progress = progress
        self.streams = streams or Streams.of_process()
        self.console = self.streams.message_console()
        self.stamp = Stamp()
        """Of the events on standard error and in the log."""

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

    def event(self, values: dict[str, Any]) -> None:
        """Print an event with `--progress json`, nothing otherwise."""
        if self.progress == "json":
            self.console.out(self.stamp.line(values), highlight=False)

    def _print(self, message: str, event: str, prefix: str, style: str) -> None:
        message = with_flags(message)
        if self.progress == "json":
            self.event({"event": event, "message": message})
        else:
            self.console.print(f"{prefix}{printable(message)}", style=style)
