"""A finished result that its place does not take, kept in another one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sinefit.errors import OutputError, OutputExistsError
from sinefit.files.outputs import write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_MOST_NAMES: Final = 100


def write_elsewhere(
    target: str | Path, content: bytes | Callable[[], Iterable[bytes]]
) -> Path | None:
    """Write what `target` did not take to the first place that does, and return that.

    It can be a function that returns the content in pieces, called once for each place.

    Places are the target's folder, the current one and the one for temporary files, each under the
    target's own name and under numbered ones; nothing is replaced. None where none of them takes
    it.
    """
    target = Path(target)
    for folder in (target.parent, Path(), Path(tempfile.gettempdir())):
        for name in _names(target):
            try:
                pieces = content if isinstance(content, bytes) else content()
                write_bytes(folder / name, pieces, force=False)
            except OutputExistsError:
                continue
            except OutputError:
                break
            return folder / name
    return None


def _names(target: Path) -> Iterator[str]:
    """Yield photo.ckpt.safetensors, photo-1.ckpt.safetensors and so on."""
    yield target.name
    endings = "".join(target.suffixes)
    stem = target.name.removesuffix(endings)
    for number in range(1, _MOST_NAMES):
        yield f"{stem}-{number}{endings}"
