"""How far a command is: a live bar, or plain lines."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from sinefit.cli.terminal.console import printable
from sinefit.cli.words.amounts import duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.console import RenderableType

    from sinefit.cli.terminal.live import LiveBar
    from sinefit.cli.terminal.messages import Messages
    from sinefit.fitting.report import Progress

CURVE_COLUMNS: Final = 16
"""Width of the running curve of PSNR on a terminal, of which a narrow one has half."""
LEAST_NEEDED: Final = ("pace", "curve", "step", "blocks", "psnr")
"""What a bar without room for all leaves out, in this order; the time left stays."""
PLAIN_INTERVAL: Final = 5.0
"""Seconds between two lines of progress where standard error is no terminal."""


class ProgressDisplay:
    """A bar on a terminal, a plain line every few seconds elsewhere, nothing when quiet.

    `--progress` decides otherwise: plain lines everywhere, or nothing here, since events and
    silence are no display.
    """

    def __init__(
        self,
        messages: Messages,
        title: str,
        *,
        interval: float = PLAIN_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; plain lines are `interval` seconds of `clock` apart."""
        self._messages = messages
        self._title = printable(title)
        self._live: LiveBar | None = None
        self._history: list[float] = []
        self._interval = interval
        self._clock = clock
        self._last_line = clock()
        # FORCE_COLOR makes rich take a file for a terminal: fine for colours, not for a live bar.
        console = messages.console
        live = console.file.isatty() and not console.is_dumb_terminal
        if live and messages.progress == "auto" and not messages.quiet:
            from sinefit.cli.terminal.live import LiveBar

            self._live = LiveBar(console)

    def __enter__(self) -> ProgressDisplay:
        if self._live is not None:
            self._live.start()
            self._task = self._live.add_task(_shortened(self._title), total=1.0, details="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def takes_pictures(self) -> bool:
        """Whether a picture can be shown: on a live terminal with colours."""
        console = self._messages.console
        return self._live is not None and console.color_system is not None and not console.no_color

    def show_picture(self, picture: RenderableType) -> None:
        """Show a picture below the bar."""
        if self._live is not None:
            self._live.show_picture(picture)

    def update(self, share: float | None, details: str) -> None:
        """Show the share that is done, 0 to 1 or unknown, and a few words."""
        if self._live is not None:
            self._live.update(
                self._task,
                completed=share or 0.0,
                total=None if share is None else 1.0,
                details=_escaped(details),
            )
        elif (
            self._messages.progress in ("auto", "plain")
            and self._clock() - self._last_line >= self._interval
        ):
            self._last_line = self._clock()
            percent = "" if share is None else f"{share:4.0%} "
            self._messages.say(f"{self._title}: {percent}{details}".rstrip())

    def show_fit(self, progress: Progress) -> None:
        """Show a report of a running fit."""
        if progress.phase == "measuring":
            left = progress.remaining
            details = f"measuring  {duration(left)} left" if left else "measuring"
            self.update(progress.share, details)
            return
        if progress.blocks is None:
            self._history.append(progress.psnr)
        left = progress.remaining
        parts = {
            "step": f"step {progress.step}",
            "blocks": _blocks_word(progress),
            "psnr": f"{progress.psnr:.2f} dB",
            "pace": f"{progress.samples_per_second / 1000:.0f}k samples/s",
            "left": f"{duration(left)} left" if left else "",
        }
        if self._live is not None:
            columns = CURVE_COLUMNS // 2 if self._live.is_narrow else CURVE_COLUMNS
            parts = {"curve": curve(self._history, columns), **parts}
            parts = fitting_parts(parts, self._live.room_beside(_shortened(self._title)))
        details = "  ".join(filter(None, parts.values()))
        self.update(progress.share, details)


def _blocks_word(progress: Progress) -> str:
    if progress.blocks is None:
        return ""
    done, count = progress.blocks
    return f"{done:,} of {count:,} blocks"


def fitting_parts(parts: dict[str, str], room: int) -> dict[str, str]:
    """Return the parts of a report that fit into so many columns, the least needed left out."""
    kept = {name: part for name, part in parts.items() if part}
    for name in LEAST_NEEDED:
        if len("  ".join(kept.values())) <= room:
            break
        kept.pop(name, None)
    return kept


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


def _shortened(title: str) -> str:
    """Return the end of a long title, where names of files differ."""
    from sinefit.cli.terminal.live import TITLE_COLUMNS

    return _escaped(title if len(title) <= TITLE_COLUMNS else f"…{title[1 - TITLE_COLUMNS :]}")


def _escaped(text: str) -> str:
    """Return text that rich's columns, which always read markup, show as it is."""
    from rich.markup import escape

    return escape(text)
