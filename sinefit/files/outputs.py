"""Outputs that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.errors import OutputError, OutputExistsError
from sinefit.files.replacing import replace_file
from sinefit.files.sending import send_file
from sinefit.files.targets import check_open, is_standard_output, is_stream, mode_of
from sinefit.files.temporary import remove_stale, temporary_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sinefit.files.sending import WaitCallback


def check_output(target: str | Path, *, force: bool, source: str | Path | None = None) -> None:
    """Raise OutputExistsError or OutputError if writing to `target` cannot succeed.

    Meant to be called before long work: a file is made in the target's folder and removed again.
    Devices and pipes are always fine, standard output and other open files unless they are closed.
    `source` is a file that is being read: it is not replaced even with `force`.
    """
    if _check_place(target, force=force, source=source):
        remove_stale(target)
        with temporary_file(target):
            pass


def _check_place(target: str | Path, *, force: bool, source: str | Path | None = None) -> bool:
    """Raise what `check_output` does, but for a file that cannot be made; tell if it is a file."""
    if is_stream(target):
        check_open(target)
        return False
    path = Path(target)
    mode = mode_of(path)
    if mode is not None and stat.S_ISDIR(mode):
        raise OutputError(f"{path}: it is a folder; name a file")
    if mode is not None:
        if source is not None and Path(source).exists() and path.samefile(source):
            raise OutputError(f"{path}: it is the input itself; name another file")
        if not force:
            raise OutputExistsError(f"{path}: it exists already; add `force` to replace it")
    elif not path.parent.is_dir():
        raise OutputError(f"{path}: its folder does not exist; create {path.parent} first")
    return True


@contextlib.contextmanager
def whole_output(
    target: str | Path,
    *,
    force: bool,
    suffix: str = "",
    on_wait: WaitCallback = lambda: None,
) -> Iterator[Path]:
    """Give a temporary path to write to; when the block ends well, it becomes `target`.

    A regular file is replaced in one step by a rename in the same folder, through a symbolic link
    if `target` is one, and keeps the owner and the permissions of the file it replaces. Where a
    rename is refused, the finished bytes are copied to the target. "-" and targets that are no
    regular files (a device, a named pipe, /dev/fd/3) receive the bytes. When the block fails, the
    temporary file is removed and an existing target is as before. `suffix` ends the temporary name,
    for encoders that look at it. `on_wait` is called every tenth of a second while the reader of a
    pipe keeps the bytes waiting, and ends the write by raising. Raises OutputError and
    OutputExistsError, and BrokenPipeError when the reader of a pipe has gone.
    """
    if _check_place(target, force=force):
        remove_stale(target)
    shown = "standard output" if is_standard_output(target) else str(target)
    with temporary_file(target, suffix) as temporary:
        try:
            yield temporary
            if is_stream(target):
                send_file(temporary, target, on_wait)
            else:
                replace_file(temporary, target, force=force)
        except BrokenPipeError:
            raise
        except OutputError as error:
            # Writers only know the temporary name, which would tell a person nothing.
            message = str(error)
            if str(temporary) not in message:
                raise
            raise type(error)(message.replace(str(temporary), shown)) from error
        except OSError as error:
            if error.errno == errno.ENOMEM:
                raise
            raise OutputError(f"{shown}: cannot write: {error.strerror or error}") from error


def write_bytes(
    target: str | Path,
    content: bytes | Iterable[bytes],
    *,
    force: bool,
    on_wait: WaitCallback = lambda: None,
) -> None:
    """Write a whole file, or to standard output for "-", as `whole_output` does.

    The content may come in pieces, so that it need not be in memory as a whole.
    """
    pieces = [content] if isinstance(content, bytes) else content
    with (
        whole_output(target, force=force, on_wait=on_wait) as temporary,
        temporary.open("wb") as file,
    ):
        file.writelines(pieces)
