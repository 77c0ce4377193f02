"""What a running fit looks like: a picture in the terminal, or a PNG that is rewritten."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from sinefit.errors import OutputError, OutputExistsError, SettingError
from sinefit.files import check_output, is_standard_input, is_stream, write_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sinefit.cli.terminal.messages import Messages
    from sinefit.cli.terminal.progress import ProgressDisplay
    from sinefit.fields.field import Field
    from sinefit.jobs.job import Job

TERMINAL: Final = "terminal"
"""The value of `--preview` that shows the picture under the bar."""
TERMINAL_COLUMNS: Final = 64
"""Widest picture in a terminal, one pixel per column and two per line."""
TERMINAL_EVERY: Final = 1.0
"""Seconds between two pictures in the terminal, which are small."""
FILE_PIXELS: Final = 512
"""Longest side of the picture in a file."""
FILE_EVERY: Final = 5.0
"""Seconds between two pictures in a file."""
_MARK: Final = ("Software", "sinefit fit --preview")
"""Text in the PNG, by which an interrupted fit knows its own picture when it goes on."""


class Preview(Protocol):
    """Shows the field of a fit."""

    every: float
    """Seconds between two pictures."""

    def show(self, field: Field) -> None:
        """Show the field as it stands."""

    def finish(self, field: Field) -> None:
        """Show the finished field."""


class TerminalPreview:
    """A picture of coloured half blocks under the bar; the last one stays."""

    def __init__(
        self, display: ProgressDisplay, messages: Messages, every: float = TERMINAL_EVERY
    ) -> None:
        self.every = every
        self._display = display
        self._console = messages.console
        self._takes_pictures = display.takes_pictures
        if not self._takes_pictures:
            messages.warn(
                "--preview terminal needs a terminal with colours on standard error and the live "
                "bar: going on without"
            )

    def show(self, field: Field) -> None:
        """Put the picture under the bar."""
        from sinefit.cli.terminal.half_blocks import half_blocks
        from sinefit.picturing import small_picture

        if self._takes_pictures:
            picture = small_picture(field, *self._room())
            self._display.show_picture(half_blocks(picture))

    def finish(self, field: Field) -> None:
        """Print the picture, to stay."""
        from sinefit.cli.terminal.half_blocks import half_blocks
        from sinefit.picturing import small_picture

        if self._takes_pictures:
            self._console.print(half_blocks(small_picture(field, *self._room())), end="")

    def _room(self) -> tuple[int, int]:
        """Return columns and rows of pixels that the terminal has room for beside the bar."""
        lines = max(1, self._console.height - 4)
        return min(TERMINAL_COLUMNS, self._console.width), 2 * lines


class FilePreview:
    """A PNG that is rewritten, each time as a whole; that it cannot be is no end of the fit."""

    def __init__(self, name: str, messages: Messages, every: float = FILE_EVERY) -> None:
        self.every = every
        self._name = name
        self._messages = messages
        self._has_warned = False

    def show(self, field: Field) -> None:
        """Write the picture."""
        from sinefit.picturing import small_picture

        content = _png(small_picture(field, FILE_PIXELS, FILE_PIXELS))
        try:
            write_bytes(self._name, content, force=True)
        except OutputError as error:
            if not self._has_warned:
                self._messages.always(f"going on without a preview: {error}")
            self._has_warned = True

    def finish(self, field: Field) -> None:
        """Write the picture of the finished field."""
        self.show(field)


def make_preview(
    value: str, display: ProgressDisplay, messages: Messages, every: float | None = None
) -> Preview:
    """Return the preview that `--preview` asks for, `every` so many seconds or at its own pace."""
    if value == TERMINAL:
        return TerminalPreview(display, messages, TERMINAL_EVERY if every is None else every)
    return FilePreview(value, messages, FILE_EVERY if every is None else every)


def complete_preview(incomplete: str) -> list[str]:
    """Return the one value of `--preview` that is no name of a file, if it begins so."""
    return [TERMINAL] if TERMINAL.startswith(incomplete) else []


def check_preview(value: str, jobs: list[Job], *, log: str | None) -> None:
    """Raise SettingError or OutputError for a preview that these fits cannot have."""
    if value == TERMINAL:
        return
    if Path(value).suffix.lower() != ".png" or is_stream(value):
        raise SettingError(f"--preview is {value}: write terminal, or the name of a .png file")
    if len(jobs) > 1:
        raise SettingError(
            f"--preview {value} is one file, the inputs are {len(jobs)}: use --preview terminal"
        )
    files = [log] if log is not None else []
    for job in jobs:
        files += [] if is_standard_input(job.source) else [job.source]
        files += [] if job.checkpoint is None else [job.target, str(job.checkpoint)]
    if os.path.realpath(value) in map(os.path.realpath, files):
        raise OutputError(
            f"{value}: it is the input, the output, its checkpoint or the log; "
            "give --preview another name"
        )


def check_preview_place(value: str, *, force: bool, is_resumed: bool) -> None:
    """Raise OutputError for a picture that cannot be written, or that would replace another file.

    A fit that goes on replaces the picture that it left when it was stopped.
    """
    if value == TERMINAL:
        return
    try:
        check_output(value, force=force)
    except OutputExistsError:
        if not (is_resumed and _is_preview(value)):
            raise
        check_output(value, force=True)


def _is_preview(name: str) -> bool:
    from PIL import Image

    key, text = _MARK
    try:
        with Image.open(name, formats=["PNG"]) as picture:
            return picture.info.get(key) == text
    except (OSError, ValueError, SyntaxError):
        return False


def _png(picture: NDArray[np.uint8]) -> bytes:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    mark = PngInfo()
    mark.add_text(*_MARK)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", pnginfo=mark)
    return buffer.getvalue()
