"""Writes that fail in ways of their own, and what is left of them."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from sinefit.files import whole_output

if TYPE_CHECKING:
    from pathlib import Path


class Interruption(BaseException):
    """Something that stops a program in the middle, as Ctrl-C does."""


def interrupted_write(target: Path, error: BaseException) -> None:
    with whole_output(target, force=True) as temporary:
        temporary.write_bytes(b"half")
        raise error


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
