"""Temporary files beside an output, and those that killed processes have left there."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.errors import OutputError
from sinefit.files.targets import is_stream

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator


def final_path(target: str | Path) -> Path:
    """Return the file that is replaced: through a link the one that it points to.

    Raises OutputError where the current folder, below which a name begins, has gone.
    """
    try:
        return Path(os.path.realpath(target))
    except OSError as error:
        raise OutputError(f"{target}: cannot write there: {error.strerror}") from error


def _prefix(final: Path) -> str:
    """Return how the names of temporary files for a file begin, and no others."""
    return f".{final.name[:40]}.sinefit-"


@contextlib.contextmanager
def temporary_file(target: str | Path, suffix: str = "") -> Iterator[Path]:
    """Make an empty file in the folder of `target`, or in that for temporary files for a stream.

    It is locked while it is in use, which tells it from one that a killed process has left, and
    removed in the end if it still has its name.
    """
    final = final_path(target)
    folder = None if is_stream(target) else final.parent
    try:
        handle, name = _locked_file(_prefix(final), suffix, folder)
    except OSError as error:
        raise OutputError(f"{target}: cannot write there: {error.strerror}") from error
    try:
        yield Path(name)
    finally:
        with contextlib.suppress(OSError):  # it must not hide why the block failed
            Path(name).unlink()
        if handle is not None:
            os.close(handle)


def _locked_file(prefix: str, suffix: str, folder: Path | None) -> tuple[int | None, str]:
    """Make an empty file; return the handle that keeps its lock, and its name."""
    while True:
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=suffix, dir=folder)
        if sys.platform == "win32":
            os.close(handle)  # an open file could not be renamed there
            return None, name
        with contextlib.suppress(OSError):  # not every file system has locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Between its making and its locking another process may have taken it for a stale one.
        if Path(name).exists():
            return handle, name
        os.close(handle)


def remove_stale(target: str | Path) -> None:
    """Remove temporary files for `target` that killed processes have left: nobody locks them."""
    final = final_path(target)
    prefix = _prefix(final)
    with contextlib.suppress(OSError):  # a folder that may be written to but not listed
        for name in os.listdir(final.parent):  # noqa: PTH208 (of the many few need a path)
            if name.startswith(prefix):
                _remove_unlocked(final.parent / name)


def _remove_unlocked(path: Path) -> None:
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(handle)
