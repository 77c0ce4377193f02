"""Outputs that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sinefit.errors import OutputError, OutputExistsError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD_STREAM: Final = "-"
"""The name that stands for standard input or standard output."""
_STANDARD_OUTPUTS: Final = (STANDARD_STREAM, "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def is_standard_output(target: str | Path) -> bool:
    """Tell whether `target` names standard output: "-", or its device where there is one.

    The device is no file of its own: opened by name, it would cut what standard output is
    redirected to.
    """
    return str(target) in _STANDARD_OUTPUTS


def is_stream(target: str | Path) -> bool:
    """Tell whether bytes are sent to `target`: standard output, a device, a named pipe."""
    if is_standard_output(target):
        return True
    mode = _mode(Path(target))
    return mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def check_output(target: str | Path, *, force: bool, source: str | Path | None = None) -> None:
    """Raise OutputExistsError or OutputError if writing to `target` cannot succeed.

    Meant to be called before long work: a file is made in the target's folder and removed again.
    Standard output and existing devices and pipes are always fine. `source` is a file that is being
    read: it is not replaced even with `force`.
    """
    if is_stream(target):
        if is_standard_output(target) and sys.stdout is None:
            raise OutputError("standard output is closed; name a file with --output")
        return
    path = Path(target)
    mode = _mode(path)
    if mode is not None and stat.S_ISDIR(mode):
        raise OutputError(f"{path}: it is a folder; name a file")
    if mode is not None:
        if source is not None and Path(source).exists() and path.samefile(source):
            raise OutputError(f"{path}: it is the input itself; name another file with --output")
        if not force:
            raise OutputExistsError(f"{path}: it exists already; add --force to replace it")
    elif not path.parent.is_dir():
        raise OutputError(f"{path}: its folder does not exist; create {path.parent} first")
    _remove_stale(target)
    with _temporary_file(target):
        pass


@contextlib.contextmanager
def whole_output(target: str | Path, *, force: bool, suffix: str = "") -> Iterator[Path]:
    """Give a temporary path to write to; when the block ends well, it becomes `target`.

    A regular file is replaced in one step by a rename in the same folder, through a symbolic link
    if `target` is one, and keeps the permissions of the file it replaces. "-" and targets that are
    no regular files (a device, a named pipe) receive the bytes. When the block fails, the temporary
    file is removed and an existing target is as before. `suffix` ends the temporary name, for
    encoders that look at it.
    """
    check_output(target, force=force)
    shown = "standard output" if is_standard_output(target) else str(target)
    with _temporary_file(target, suffix) as temporary:
        try:
            yield temporary
            if is_stream(target):
                _send(temporary, target)
            else:
                _replace(temporary, target, force=force)
        except BrokenPipeError:
            raise
        except OutputError as error:
            # Writers only know the temporary name, which would tell a person nothing.
            message = str(error)
            if str(temporary) not in message:
                raise
            raise type(error)(message.replace(str(temporary), shown)) from error
        except OSError as error:
            raise OutputError(f"{shown}: cannot write: {error.strerror or error}") from error


def write_bytes(target: str | Path, content: bytes, *, force: bool) -> None:
    """Write a whole file, or to standard output for "-"."""
    with whole_output(target, force=force) as temporary:
        temporary.write_bytes(content)


def _mode(path: Path) -> int | None:
    """Return the mode of what a path leads to, None where there is nothing."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"{path}: cannot write there: {reason}") from error


def _final(target: str | Path) -> Path:
    """Return the file that is replaced: through a link the one that it points to."""
    return Path(os.path.realpath(target))


def _prefix(final: Path) -> str:
    """Return how the names of temporary files for a file begin, and no others."""
    return f".{final.name[:40]}.sinefit-"


@contextlib.contextmanager
def _temporary_file(target: str | Path, suffix: str = "") -> Iterator[Path]:
    """Make an empty file in the folder of `target`, or in that for temporary files for a stream.

    It is locked while it is in use, which tells it from one that a killed process has left, and
    removed in the end if it still has its name.
    """
    final = _final(target)
    folder = None if is_stream(target) else final.parent
    try:
        handle, name = _locked_file(_prefix(final), suffix, folder)
    except OSError as error:
        raise OutputError(f"{target}: cannot write there: {error.strerror}") from error
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
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


def _remove_stale(target: str | Path) -> None:
    """Remove temporary files for `target` that killed processes have left: nobody locks them."""
    final = _final(target)
    with contextlib.suppress(OSError):  # a folder that may be written to but not listed
        for left in final.parent.iterdir():
            if left.name.startswith(_prefix(final)):
                _remove_unlocked(left)


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


def _send(temporary: Path, target: str | Path) -> None:
    with temporary.open("rb") as content:
        if is_standard_output(target):
            shutil.copyfileobj(content, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            with Path(target).open("wb") as device:
                shutil.copyfileobj(content, device)


def _replace(temporary: Path, target: str | Path, *, force: bool) -> None:
    final = _final(target)
    if final.exists():
        if not force:
            raise OutputExistsError(f"{target}: it appeared meanwhile; add --force to replace it")
        mode = stat.S_IMODE(final.stat().st_mode)
    else:
        mode = 0o666 & ~_current_umask()
    with temporary.open("rb") as content:
        os.fsync(content.fileno())
    temporary.chmod(mode)
    temporary.replace(final)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _current_umask() -> int:
    """Return the process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
