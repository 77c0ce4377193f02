"""One writer at a time: a lock beside an output for as long as the work on it lasts."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from typing import TYPE_CHECKING

from sinefit.errors import OutputError
from sinefit.files.temporary import final_path

if sys.platform != "win32":
    import fcntl
    import resource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def locked(target: str | Path, *, suffix: str = "") -> Iterator[bool]:
    """Hold the lock of an output; tell whether it could be taken.

    The lock is the system's, on an empty hidden file in the folder of `target`, through a link in
    that of the file it points to: it ends with the process, however that ends. The file is removed
    in the end, and one that a killed process has left is used again. Names with and without
    `suffix` share a lock. Where there are none (a file system without them, a folder that takes no
    files, too many open files) the block runs without. Raises OutputError if another holds it.
    """
    final = final_path(target)
    path = _lock_path(final.with_name(final.name.removesuffix(suffix) or final.name))
    handle = _taken(path, target)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            _remove(path, handle)


def _lock_path(final: Path) -> Path:
    """Return the name of a lock's file, which differs for long names that begin alike."""
    digest = hashlib.sha256(os.fsencode(final.name)).hexdigest()[:8]
    return final.with_name(f".{final.name[:40]}.{digest}.lock")


def _taken(path: Path, target: str | Path) -> int | None:
    """Return the handle that holds the lock, None where there can be none."""
    if sys.platform == "win32":
        return None
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        except (OSError, ValueError):
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise OutputError(
                f"{target}: another fit is writing it: wait for that one, or name another file"
            ) from None
        except OSError:
            _remove(path, handle)
            return None
        if not _is_at(path, handle):
            os.close(handle)  # between its opening and its locking another has removed it
        elif handle > resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2:
            _remove(path, handle)  # half of the files that may be open are for the work itself
            return None
        else:
            return handle


def _is_at(path: Path, handle: int) -> bool:
    """Tell whether an open file has this name."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.fstat(handle), path.stat())
    return False


def _remove(path: Path, handle: int) -> None:
    with contextlib.suppress(OSError):  # its folder may have gone
        path.unlink()
    os.close(handle)
