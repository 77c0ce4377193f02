"""The parts of a fit that are done: a file beside the output to which each is appended.

A record is its length (8 bytes, little-endian), the SHA-256 of its content (32 bytes) and the
content, the bytes of a safetensors file whose metadata tell which part it is. The first has no
part but what decides the fit. What a killed process has written of a record is cut off.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from safetensors.torch import load, save

from sinefit.errors import OutputError, SettingError
from sinefit.fitting.parts import PartResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

SUFFIX: Final = ".parts.ckpt"
"""How the name of a journal ends, behind that of the output without its ending."""
_MAGIC: Final = b"sinefit parts 1\n"
_LENGTH: Final = 8
_DIGEST: Final = 32
_STATE: Final = "state."


@dataclass(frozen=True)
class PartKey:
    """Which stretch of which part."""

    first: int
    """Number of the first block."""
    stop: int
    """Number behind the last one."""
    begin: int
    """Steps before the stretch."""
    end: int
    refine_at: int | None = None


class Journal:
    """Parts of one fit that are done, on disk."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self._places: dict[PartKey, int] = {}
        self._told: dict[PartKey, dict[str, str]] = {}

    @classmethod
    @contextlib.contextmanager
    def opened(cls, path: Path, decides: Mapping[str, object], *, force: bool) -> Iterator[Journal]:
        """Open the journal of a fit, or begin one; `decides` is what makes it the same fit.

        Raises SettingError for a journal of another fit unless it is to be replaced, OutputError
        for one that cannot be written.
        """
        mine = _MAGIC + json.dumps(decides, sort_keys=True).encode()
        try:
            file = path.open("a+b")
        except OSError as error:
            raise OutputError(f"{path}: cannot write there: {error.strerror}") from error
        with file:
            journal = cls(path, file)
            head, end = _record_at(file, 0)
            is_empty = os.fstat(file.fileno()).st_size == 0
            if head != mine and not is_empty and not force:
                raise SettingError(
                    f"{path}: it is of a fit with other settings or of another input: give the "
                    "same again, or remove it"
                )
            if head != mine or force:  # a journal that is empty, of another fit, or unwanted
                file.truncate(0)
                _append(file, path, mine)
            else:
                while True:
                    content, behind = _record_at(file, end)
                    if content is None:
                        break
                    journal._note(content, end)
                    end = behind
                file.truncate(end)
            yield journal

    def __contains__(self, key: PartKey) -> bool:
        return key in self._places

    def add(self, key: PartKey, result: PartResult) -> None:
        """Append what a part has come to; raises OutputError where there is no room."""
        tensors = {"weights": result.weights, "best": result.best, "losses": result.losses}
        for name, tensor in (result.state or {}).items():
            tensors[_STATE + name] = tensor
        told = {
            "key": json.dumps([key.first, key.stop, key.begin, key.end, key.refine_at]),
            "seconds": repr(result.seconds),
            "computed_by": result.computed_by,
        }
        content = save({name: each.contiguous() for name, each in tensors.items()}, told)
        begin = os.fstat(self._file.fileno()).st_size
        _append(self._file, self.path, content)
        self._note(content, begin)

    def told(self, key: PartKey) -> dict[str, str]:
        """Return the `seconds` of a part and what it was `computed_by`."""
        return self._told[key]

    def read(self, key: PartKey) -> PartResult:
        """Return what a part has come to."""
        content, _ = _record_at(self._file, self._places[key])
        assert content is not None
        tensors, told = load(content), _metadata(content)
        state = {
            name.removeprefix(_STATE): tensor
            for name, tensor in tensors.items()
            if name.startswith(_STATE)
        }
        return PartResult(
            tensors["weights"],
            tensors["best"],
            tensors["losses"],
            float(told["seconds"]),
            told["computed_by"],
            state or None,
        )

    def _note(self, content: bytes, begin: int) -> None:
        told = _metadata(content)
        key = PartKey(*json.loads(told["key"]))
        self._places[key], self._told[key] = begin, told

    def remove(self) -> None:
        """Remove the file of a fit that is done."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def journal_path(target: Path) -> Path:
    """Return where the journal of an output lies."""
    return target.with_name(target.name.removesuffix(".safetensors") + SUFFIX)


def _record_at(file: BinaryIO, begin: int) -> tuple[bytes | None, int]:
    """Return the content of a record and where the next one begins, None for no whole one."""
    file.seek(begin)
    head = file.read(_LENGTH + _DIGEST)
    if len(head) < _LENGTH + _DIGEST:
        return None, begin
    length = int.from_bytes(head[:_LENGTH], "little")
    behind = begin + _LENGTH + _DIGEST + length
    if behind > os.fstat(file.fileno()).st_size:
        return None, begin
    content = file.read(length)
    if hashlib.sha256(content).digest() != head[_LENGTH:]:
        return None, begin
    return content, behind


def _append(file: BinaryIO, path: Path, content: bytes) -> None:
    begin = os.fstat(file.fileno()).st_size
    head = len(content).to_bytes(_LENGTH, "little") + hashlib.sha256(content).digest()
    try:
        file.write(head)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            file.truncate(begin)
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def _metadata(content: bytes) -> dict[str, str]:
    length = int.from_bytes(content[:8], "little")
    found = json.loads(content[8 : 8 + length])["__metadata__"]
    return {str(name): str(value) for name, value in found.items()}


def gathered(
    journal: Journal, keys: Sequence[PartKey], name: str
) -> Iterator[tuple[slice, Tensor]]:
    """Yield the "weights" or "best" of parts, and which blocks' they are."""
    for key in keys:
        yield slice(key.first, key.stop), getattr(journal.read(key), name)
