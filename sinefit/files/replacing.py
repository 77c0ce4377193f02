"""A finished file taking the place of another, in one step where the file system can."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from typing import TYPE_CHECKING, Final

from sinefit.errors import OutputExistsError
from sinefit.files.temporary import final_path

if TYPE_CHECKING:
    from pathlib import Path

_NOT_SUPPORTED: Final = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def replace_file(temporary: Path, target: str | Path, *, force: bool) -> None:
    """Let a finished file become the target, through a link the file that it points to.

    Raises OutputExistsError for a file that has appeared where `force` does not allow it, and
    OSError.
    """
    final = final_path(target)
    _adopt_permissions(temporary, final)
    _sync(temporary)
    if force or not _is_linked(temporary, final):
        if not force and final.exists():
            raise OutputExistsError(f"{target}: it appeared meanwhile; add `force` to replace it")
        try:
            temporary.replace(final)
        except OSError:
            # A file system without renames, another's file in a sticky folder, a mounted file.
            _copy_over(temporary, final, force=force)
    if hasattr(os, "O_DIRECTORY"):
        with contextlib.suppress(OSError):  # the file is whole; not every folder can be synced
            folder = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _is_linked(temporary: Path, final: Path) -> bool:
    """Tell whether the file could get a second name: it cannot where a file has appeared.

    A rename would replace that file, however shortly before one has looked.
    """
    try:
        final.hardlink_to(temporary)
    except OSError:
        return False
    return True


def _adopt_permissions(temporary: Path, final: Path) -> None:
    """Give a file owner and permissions of the one it replaces, or those of any new file."""
    with contextlib.suppress(OSError):  # a file system may have none, a user may not give away
        try:
            old = final.stat()
        except OSError:
            temporary.chmod(0o666 & ~_current_umask())
            return
        if hasattr(os, "chown"):
            with contextlib.suppress(OSError):
                os.chown(temporary, old.st_uid, old.st_gid)
        temporary.chmod(stat.S_IMODE(old.st_mode))


def _sync(path: Path) -> None:
    """Wait until a file is on the disk; raises OSError if it did not get there."""
    with path.open("rb") as content:
        try:
            os.fsync(content.fileno())
        except OSError as error:
            if error.errno not in _NOT_SUPPORTED:
                raise


def _copy_over(temporary: Path, final: Path, *, force: bool) -> None:
    """Copy finished bytes to a file; room for them is made first, so that what is there survives.

    A file that appears meanwhile is not touched without `force`.
    """
    before = final.stat().st_size if force and final.exists() else None
    size = temporary.stat().st_size
    exclusive = os.O_EXCL if before is None else 0
    handle = os.open(final, os.O_WRONLY | os.O_CREAT | exclusive, 0o600)
    try:
        with temporary.open("rb") as content, open(handle, "wb", closefd=False) as output:
            try:
                if size and hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(handle, 0, size)
            except OSError as error:
                # EBADF: the C library, which makes room itself where the file system does not, has
                # to read what it may only write.
                if error.errno not in (*_NOT_SUPPORTED, errno.EBADF):
                    os.ftruncate(handle, before or 0)
                    raise
            shutil.copyfileobj(content, output)
        os.ftruncate(handle, size)
        if before is None:
            final.chmod(stat.S_IMODE(temporary.stat().st_mode))
        _sync(final)
    except BaseException:
        if before is None:
            final.unlink()
        raise
    finally:
        os.close(handle)


def _current_umask() -> int:
    """Return the process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
