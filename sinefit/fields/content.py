"""The bytes of a weights file: on disk, where only what is asked for is read, or in memory.

A safetensors file begins with the length of a JSON header in 8 bytes and the header itself. What
comes from a pipe, which may have no end, is read into memory as long as there is room.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from sinefit.errors import InputError
from sinefit.memory import check_memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES: Final = 2**34
"""Largest weights file that is read, 16 GiB: a field of 100 megapixels in colour takes 1.2 GB."""
MAX_HEADER: Final = 2**22
"""Largest header that is read, 4 MiB: parsed, it takes fifty times as much."""
PIECE_BYTES: Final = 2**24
"""What is read or converted at once."""

_HEAD_BYTES: Final = 16


class Content(Protocol):
    """A weights file's bytes, of which any part can be read."""

    name: str
    """What error messages call the file."""
    size: int
    """Number of bytes."""

    def read(self, begin: int, end: int) -> bytearray:
        """Return the bytes from `begin` to `end`; raises InputError if they cannot be read."""


class MemoryContent:
    """Bytes that are in memory."""

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        self.size = len(content)
        self._view = memoryview(content)

    def read(self, begin: int, end: int) -> bytearray:
        """Return a copy of the bytes from `begin` to `end`."""
        return bytearray(self._view[begin:end])


class FileContent:
    """Bytes of an open file."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self.size = os.fstat(file.fileno()).st_size
        self._file = file

    def read(self, begin: int, end: int) -> bytearray:
        """Return the bytes from `begin` to `end`; raises InputError if they cannot be read."""
        found = bytearray(end - begin)
        try:
            self._file.seek(begin)
            count = self._file.readinto(found)  # type: ignore[attr-defined]
        except OSError as error:
            raise InputError(f"{self.name}: cannot be read: {error.strerror}") from error
        if count != len(found):
            raise InputError(f"{self.name}: it became shorter while it was read")
        return found


class PathContent:
    """Bytes of a file that is opened for each read, so that none is kept open."""

    def __init__(self, path: Path) -> None:
        """Take a regular file; raises InputError if it cannot be read or is too large."""
        self._path = path
        self.name = str(path)
        with _opened(path) as file:
            self._identity = _identity(file)
            self.size = FileContent(file, self.name).size
        _check_size(self.size, self.name, MAX_BYTES)

    def read(self, begin: int, end: int) -> bytearray:
        """Return the bytes from `begin` to `end`.

        Raises InputError if they cannot be read, or if the file is another one by now.
        """
        with _opened(self._path) as file:
            if _identity(file) != self._identity:
                raise InputError(f"{self.name}: it changed while it was read")
            return FileContent(file, self.name).read(begin, end)


def content_of(path: Path) -> Content:
    """Return a weights file's bytes, to be read as long as the file stays as it is.

    What is no regular file, such as a pipe, is read into memory. Raises InputError if it cannot be
    read or is too large.
    """
    if path.is_file():
        return PathContent(path)
    return MemoryContent(read_content(path), str(path))


@contextlib.contextmanager
def open_content(path: Path, most: int = MAX_BYTES) -> Iterator[Content]:
    """Open a weights file; what is no regular file, such as a pipe, is read into memory.

    Raises InputError if it cannot be read or is too large.
    """
    with _opened(path) as file:
        with _explained(path):
            is_regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        if is_regular:
            content: Content = FileContent(file, str(path))
            _check_size(content.size, content.name, most)
        else:
            content = MemoryContent(_read_stream(file, path, most), str(path))
        yield content


def read_content(path: Path, most: int = MAX_BYTES) -> bytes:
    """Read a weights file's bytes; raises InputError if it cannot be read or is too large."""
    with _opened(path) as file:
        return _read_stream(file, path, most)


def read_stream(file: BinaryIO, name: str, most: int = MAX_BYTES) -> bytes:
    """Read a weights file's bytes from an open file, or from a pipe, which may have no end.

    Raises InputError, which calls the file `name`, when it begins otherwise or is too large, and
    MemoryLimitError when it does not fit in memory.
    """
    head = file.read(_HEAD_BYTES)
    if not is_weights_file(head):
        raise InputError(f"{name}: not a weights file; make one with: sinefit fit")
    content = io.BytesIO()  # unlike a list of pieces it need not be copied as a whole
    content.write(head)
    while piece := file.read(PIECE_BYTES):
        _check_size(content.tell() + len(piece), name, most)
        check_memory(len(piece), f"{name}: more of it needs {{}} in memory", "free some first")
        content.write(piece)
    return content.getvalue()


def is_weights_file(head: bytes | bytearray) -> bool:
    """Tell from a file's first bytes whether it is a safetensors file."""
    return len(head) > 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= MAX_HEADER


def header_text(content: Content) -> bytearray:
    """Return the JSON header of a safetensors file; raises InputError for another file."""
    head = content.read(0, min(_HEAD_BYTES, content.size))
    if not is_weights_file(head):
        raise InputError(f"{content.name}: not a weights file; make one with: sinefit fit")
    end = 8 + int.from_bytes(head[:8], "little")
    if content.size < end:
        raise InputError(f"{content.name}: damaged weights file: it ends within its header")
    return content.read(8, end)


def _identity(file: BinaryIO) -> tuple[int, int, int]:
    """Return what tells an open file from one that has taken its place."""
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _read_stream(file: BinaryIO, path: Path, most: int) -> bytes:
    with _explained(path):
        return read_stream(file, str(path), most)


def _check_size(size: int, name: str, most: int) -> None:
    if size > most:
        raise InputError(f"{name}: more than {most} bytes are too many for a weights file")


def _opened(path: Path) -> BinaryIO:
    with _explained(path):
        if path.is_dir():
            raise InputError(f"{path}: it is a folder; name a weights file")
        return path.open("rb")


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say of which file the system has something to say."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: check the name") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
