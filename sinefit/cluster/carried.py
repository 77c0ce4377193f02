"""Files that a task reads: by a path that its worker sees too, else with their content."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sinefit.errors import InputError
from sinefit.files.temporary import remove_stale, temporary_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeVar

    Key = TypeVar("Key")

_PIECE: Final = 2**22
_TOKEN: Final = "cluster"


class NotSharedError(Exception):
    """A worker does not see a file, or sees another one by its path."""


@dataclass(frozen=True)
class CarriedFile:
    """A file as the client sees it."""

    path: str
    """Whole, from the root."""
    digest: str
    """SHA-256 of the content, in hexadecimal."""
    content: bytes | None = None
    """Where the file is not shared."""

    @classmethod
    def of(cls, name: str | Path) -> CarriedFile:
        """Return a file without its content; raises InputError if it cannot be read."""
        path = Path(name).absolute()
        try:
            return cls(str(path), _digest(path))
        except OSError as error:
            raise InputError(f"{name}: cannot be read: {error.strerror}") from error

    def loaded(self) -> CarriedFile:
        """Return the file with its content; raises InputError if it cannot be read any more."""
        try:
            return replace(self, content=Path(self.path).read_bytes())
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}") from error

    def place(self, folder: Path) -> Path:
        """Return where a worker finds the file: at its path, or put into a folder of its own.

        Raises NotSharedError for one that came without its content and is not there.
        """
        path = Path(self.path)
        if self.content is not None:
            copy = folder / path.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(self.content)
            return copy
        try:
            if path.is_file() and _digest(path) == self.digest:
                return path
        except OSError:
            pass
        raise NotSharedError(self.path)


def placed(files: Mapping[Key, CarriedFile], folder: Path) -> dict[Key, Path]:
    """Return where a worker finds files, see `CarriedFile.place`; names may be alike."""
    return {
        key: file.place(folder / str(number)) for number, (key, file) in enumerate(files.items())
    }


class SharedFolders:
    """Tells workers which folders they share with the client, by files of random names there."""

    def __init__(self) -> None:
        self._held = contextlib.ExitStack()
        self._tokens: dict[Path, str] = {}

    def __enter__(self) -> SharedFolders:
        return self

    def __exit__(self, *_error: object) -> None:
        self._held.close()

    def token(self, folder: Path) -> str:
        """Return the path of a file that whoever shares a folder finds there.

        Raises OutputError for a folder that takes no file.
        """
        folder = folder.absolute()
        if folder not in self._tokens:
            remove_stale(folder / _TOKEN)
            self._tokens[folder] = str(self._held.enter_context(temporary_file(folder / _TOKEN)))
        return self._tokens[folder]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
