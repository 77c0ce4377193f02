"""What people read: messages, progress and tables, all on standard error."""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

if TYPE_CHECKING:
    from types import TracebackType

    from sinefit.fitting.report import Progress as FitProgress

CURVE_COLUMNS: Final = 16
"""Width of the running curve of PSNR on a terminal."""
PLAIN_INTERVAL: Final = 5.0
"""Seconds between two lines of progress where standard error is no terminal."""


def make_console(*, stderr: bool = True) -> Console:
    """Return a console that prints text as it is: no markup, no emoji, no cutting of lines.

    rich itself honours NO_COLOR, FORCE_COLOR and TERM=dumb.
    """
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def printable(name: str) -> str:
    """Return a file name that any terminal can print; bytes that are not UTF-8 are escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def show_error(message: str) -> None:
    """Print an error; never silenced."""
    make_console().print(f"sinefit: error: {printable(message)}", style="red")


class Messages:
    """Notices on standard error, unless quiet."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.console = make_console()

    def say(self, message: str) -> None:
        """Print a line."""
        if not self.quiet:
            self.console.print(printable(message))

    def always(self, message: str) -> None:
        """Print a line even when quiet: it tells how to get back what was begun."""
        self.console.print(f"sinefit: {printable(message)}")

    def warn(self, message: str) -> None:
        """Print a line about something lost or changed."""
        if not self.quiet:
            self.console.print(f"sinefit: note: {printable(message)}", style="yellow")


class ProgressDisplay:
    """A bar on a terminal, a plain line every few seconds elsewhere, nothing when quiet."""

    def __init__(self, messages: Messages, title: str) -> None:
        self._messages = messages
        self._title = printable(title)
        self._live: Progress | None = None
        self._history: list[float] = []
        self._last_line = time.monotonic()
        # FORCE_COLOR makes rich take a file for a terminal: fine for colours, not for a live bar.
        console = messages.console
        live = console.file.isatty() and not console.is_dumb_terminal
        if live and not messages.quiet:
            self._live = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[details]}"),
                console=console,
                transient=True,
            )

    def __enter__(self) -> ProgressDisplay:
        if self._live is not None:
            self._live.start()
            self._task = self._live.add_task(_escaped(self._title), total=1.0, details="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, share: float | None, details: str) -> None:
        """Show the share that is done, 0 to 1 or unknown, and a few words."""
        if self._live is not None:
            self._live.update(
                self._task,
                completed=share or 0.0,
                total=None if share is None else 1.0,
                details=_escaped(details),
            )
        elif time.monotonic() - self._last_line >= PLAIN_INTERVAL:
            self._last_line = time.monotonic()
            percent = "" if share is None else f"{share:4.0%} "
            self._messages.say(f"{self._title}: {percent}{details}")

    def show_fit(self, progress: FitProgress) -> None:
        """Show a report of a running fit."""
        if progress.phase == "measuring":
            self.update(progress.share, "measuring")
            return
        self._history.append(progress.psnr)
        left = progress.remaining
        details = (
            f"step {progress.step}  {progress.psnr:.2f} dB  "
            f"{progress.samples_per_second / 1000:.0f}k samples/s"
        )
        if left:
            details += f"  {duration(left)} left"
        if self._live is not None:
            details = f"{curve(self._history, CURVE_COLUMNS)}  {details}"
        self.update(progress.share, details)


def curve(values: list[float], columns: int) -> str:
    """Return a line of blocks that shows how values went, `columns` characters at most."""
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 2:
        return ""
    count = min(columns, len(finite))
    chosen = [finite[round(i * (len(finite) - 1) / (count - 1))] for i in range(count)]
    low = min(chosen)
    span = max(chosen) - low or 1.0
    return "".join("▁▂▃▄▅▆▇█"[min(7, int((value - low) / span * 8))] for value in chosen)


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


def _escaped(text: str) -> str:
    """Return text that rich's columns, which always read markup, show as it is."""
    from rich.markup import escape

    return escape(text)
