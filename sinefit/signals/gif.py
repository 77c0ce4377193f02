"""The blocks of a GIF file, walked without decoding (GIF89a specification, section 15 on)."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_HEADER_BYTES = 13


def is_animated_gif(file: BinaryIO) -> bool:
    """Tell whether an open GIF file holds a second frame."""
    frames = 0
    for introducer in _blocks(file):
        frames += introducer == _IMAGE
        if frames == 2:
            return True
    return False


def find_gif_truncation(source: Path) -> str | None:
    """Return in what way a GIF file ends too early, None if it does not.

    Decoders stop at the end of the file without a word. A file that is no GIF, or whose blocks
    cannot be told apart, is left to the decoder to judge.
    """
    with source.open("rb") as file:
        head = file.read(_HEADER_BYTES)
        if head[:6] not in (b"GIF87a", b"GIF89a"):
            return None
        if len(head) < _HEADER_BYTES:
            return "its header is incomplete"
        *_, last = _blocks(file)
    return None if last in (_TRAILER, None) else "its trailer is missing"


def _blocks(file: BinaryIO) -> Iterator[int | None]:
    """Yield what introduces each block; None, at the end, for one that is of no known kind.

    Stops after the trailer, or yields -1 where the file ends without one.
    """
    file.seek(0)
    head = file.read(_HEADER_BYTES)
    if len(head) == _HEADER_BYTES:
        _skip_palette(file, head[10])
    while block := file.read(1):
        if block[0] == _IMAGE:
            yield _IMAGE
            descriptor = file.read(9)  # position, size and flags of a frame
            if len(descriptor) < 9:
                break
            _skip_palette(file, descriptor[8])
            file.seek(1, 1)  # the smallest code of the compressed data
        elif block[0] == _EXTENSION:
            yield _EXTENSION
            file.seek(1, 1)  # the kind of extension
        else:
            yield _TRAILER if block[0] == _TRAILER else None
            return
        while (length := file.read(1)) and length[0]:  # sub-blocks, up to an empty one
            file.seek(length[0], 1)
    yield -1


def _skip_palette(file: BinaryIO, flags: int) -> None:
    """Skip the colour table whose presence and size the flags of its owner tell."""
    if flags & 0x80:
        file.seek(3 * 2 ** ((flags & 7) + 1), 1)
