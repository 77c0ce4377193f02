"""Which weights file a command is about: the one named, what is piped in, or the newest here."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.cli.terminal.streams import STANDARD_INPUT
from sinefit.errors import InputError, SettingError
from sinefit.fields.content import MemoryContent, open_content
from sinefit.files import is_standard_input, is_standard_output
from sinefit.jobs.planning import newest_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from sinefit.cli.terminal.messages import Messages
    from sinefit.fields.content import Content
    from sinefit.fields.weights_file import StoredField

    Read = TypeVar("Read")


def read_weights(
    weights: str | None,
    output: str | None,
    messages: Messages,
    read: Callable[[StoredField], Read],
    doing: str,
) -> tuple[Read, Path | None]:
    """Return what `read` makes of the weights file that is meant, and its path if it is a file.

    `doing` is what the command does with it, "rendering".
    """
    from sinefit.fields.weights_file import StoredField

    with open_weights(weights, output, messages, doing) as (content, path):
        return read(StoredField(content)), path


@contextlib.contextmanager
def open_weights(
    weights: str | None, output: str | None, messages: Messages, doing: str
) -> Iterator[tuple[Content, Path | None]]:
    """Open the weights file that is meant; give its content, and its path if it is a file."""
    if messages.streams.is_piped_into() if weights is None else is_standard_input(weights):
        yield MemoryContent(messages.streams.input_bytes(), STANDARD_INPUT), None
        return
    path = _named_or_newest(weights, output, messages, doing)
    with open_content(path) as content:
        yield content, path


def _named_or_newest(
    weights: str | None, output: str | None, messages: Messages, doing: str
) -> Path:
    if weights is not None:
        return Path(weights)
    if output is not None and is_standard_output(output):
        # Whoever reads there would not learn which of the files here it was.
        raise SettingError(f"--output is {output}: name WEIGHTS too, or pipe them in")
    path = newest_weights(Path())
    if path is None:
        raise InputError(
            "no weights file in this folder: name one, or make one with: sinefit fit FILE"
        )
    messages.say(f"{doing} {path}, the newest weights file here")
    return path
