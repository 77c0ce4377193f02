"""The live display on a terminal: a bar, and below it a picture of what is being fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.progress import BarColumn, Progress, TextColumn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, RenderableType

BAR_COLUMNS: Final = 20
"""Width of the bar, of which a narrow terminal has half."""
ROOMY: Final = 100
"""Columns from which on a terminal is not narrow."""
TITLE_COLUMNS: Final = 24
"""Longest title, so that the rest of the line has room."""
REFRESHES: Final = 4
"""Redrawings per second; a picture costs a thousand coloured characters each time."""


class LiveBar(Progress):
    """A bar with a title, details and, once there is one, a picture below."""

    def __init__(self, console: Console) -> None:
        self._picture: RenderableType | None = None
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(bar_width=_bar_columns(console)),
            TextColumn("{task.fields[details]}"),
            console=console,
            transient=True,
            refresh_per_second=REFRESHES,
        )

    @property
    def is_narrow(self) -> bool:
        """Whether the line has no room to spare."""
        return self.console.width < ROOMY

    def room_beside(self, title: str) -> int:
        """Return the columns that the details have beside a title and the bar."""
        gaps = 2
        return self.console.width - len(title) - _bar_columns(self.console) - gaps

    def show_picture(self, picture: RenderableType) -> None:
        """Put a picture below the bar, in place of the one before."""
        self._picture = picture

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return what is drawn, from the top down."""
        yield from super().get_renderables()
        if self._picture is not None:
            yield self._picture


def _bar_columns(console: Console) -> int:
    return BAR_COLUMNS if console.width >= ROOMY else BAR_COLUMNS // 2
