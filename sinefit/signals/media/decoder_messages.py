"""What decoders inside this process print, kept off the terminal and told as a notice.

libtiff and mpg123 report damage on the standard error stream and go on with what they have.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_STANDARD_ERROR: Final = 2
_MOST_BYTES: Final = 2**16
_PLACE: Final = re.compile(r"^\[[^\]]*\] ")  # in the decoder's own source
_ADDRESS: Final = re.compile(r"(?: (?:@|at))? 0x[0-9a-fA-F]{9,}\b")  # more than any 32-bit figure

_lock = threading.Lock()


@contextmanager
def decoder_messages(*, collect: bool) -> Iterator[list[str]]:
    """Collect lines that C code prints on standard error; the list is filled when the block ends.

    It stays empty, and the stream alone, unless `collect` is true. The stream belongs to the whole
    process: what other threads print meanwhile is taken for a decoder's, so it is for those
    decoders only that need it.
    """
    lines: list[str] = []
    if not collect:
        yield lines
        return
    with _lock, tempfile.TemporaryFile() as file:
        try:
            kept = os.dup(_STANDARD_ERROR)
        except OSError:  # the stream is closed, so nothing can be printed there
            yield lines
            return
        try:
            os.dup2(file.fileno(), _STANDARD_ERROR)
            yield lines
        finally:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)
            file.seek(0)
            lines += _readable(file.read(_MOST_BYTES))


def damage_notice(name: str, lines: list[str]) -> tuple[str, ...]:
    """Return the notice about what a decoder reported, none when it was silent."""
    return (f"{name}: it may be damaged, the decoder reported: {lines[0][:200]}",) if lines else ()


def without_addresses(text: str) -> str:
    """Leave the memory addresses out of a decoder's message: they differ from run to run."""
    return _ADDRESS.sub("", text)


def _readable(printed: bytes) -> list[str]:
    """Return the lines that say something, without what cannot be shown in one."""
    lines = printed.decode("utf-8", "replace").splitlines()
    plain = ("".join(letter for letter in line if letter.isprintable()).strip() for line in lines)
    told = (without_addresses(_PLACE.sub("", line)).rstrip(".") for line in plain)
    return [text for text in told if text]
