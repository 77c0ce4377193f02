"""What a file is, told from its content and never from its name."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from sinefit.errors import InputError
from sinefit.signals.containers import (
    id3_size,
    is_adts,
    is_mpeg_audio,
    is_mpeg_ts,
    is_npz,
    is_tga,
    matroska_format,
    mp4_format,
    ogg_content,
)
from sinefit.signals.formats import TABLES, kinds_of, supported_formats
from sinefit.signals.image.pnm import is_pnm
from sinefit.signals.unsupported import WEIGHTS, known_content
from sinefit.signals.video.formats import VIDEO_FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.signals.signal import Kind

_HEAD_BYTES = 2**16

_SIGNATURES = tuple(
    (re.compile(row.signature, re.DOTALL), name)
    for table in TABLES.values()
    for name, row in table.items()
    if row.signature
)


@dataclass(frozen=True)
class Content:
    """What a file was recognised as."""

    format: str | None
    """A supported format's name, or None."""
    description: str
    """What it is in words, with an article, when it is not supported; else the format's name."""
    advice: str | None = None
    """How to make of it what is supported, where that is known."""


def identify(file: BinaryIO) -> Content:
    """Recognise the content of an open binary file that can seek; its position is left anywhere."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    found = next((format for begins, format in _SIGNATURES if begins.match(head)), None)
    found = found or _container_format(head)
    if found is None and (tag := id3_size(head)):
        file.seek(tag)
        after = file.read(_HEAD_BYTES)
        found = "flac" if after.startswith(b"fLaC") else "aac" if is_adts(after) else "mp3"
    if found is None:
        found = next((format for tell, format in _TELLING if tell(head)), None)
    if found is not None and kinds_of(found):
        return Content(found, found)
    description, advice = known_content(head) or (found or _plain_content(head), None)
    return Content(None, description, advice)


def detect(file: BinaryIO, name: str) -> tuple[Kind, str]:
    """Return the kind and the format of an open binary file that can seek.

    A GIF, PNG or WebP is a video when it has more than one frame, else an image. Of a container of
    pictures and sound, which only its streams tell apart, the kind is video. Raises InputError,
    which calls the file `name`, when it is none of the supported formats.
    """
    content = identify(file)
    if content.format is None:
        if content.description == WEIGHTS:
            raise InputError(
                f"{name} is a weights file, not a signal: get its signal back with sinefit render, "
                "or fit its original again with `start_from` to go on"
            )
        if content.description == _EMPTY:
            raise InputError(f"{name} is empty: check what was to write it")
        raise InputError(
            f"{name} is {content.description}, which cannot be fitted: "
            f"{content.advice or f'supported are {supported_formats()}'}"
        )
    return kind_of_content(file, content.format), content.format


def kind_of_content(file: BinaryIO, format: str) -> Kind:
    """Return the kind of signal that an open file of a known format holds."""
    row = VIDEO_FORMATS.get(format)
    if row is None or row.is_animated is None:
        return kinds_of(format)[0]
    return "video" if row.is_animated(file) else "image"


_EMPTY = "empty"
# What is told by more than a signature, the surest first.
_TELLING: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (is_npz, "npz"),
    (is_mpeg_audio, "mp3"),
    (is_adts, "aac"),
    (is_mpeg_ts, "ts"),
    (is_pnm, "ppm"),
    (is_tga, "tga"),
)


def _container_format(head: bytes) -> str | None:
    """Return the format, or the description, of a container that several formats share."""
    if head.startswith(b"OggS"):
        content = ogg_content(head)
        return {"audio": "ogg", "video": "an Ogg video"}.get(content or "", "an Ogg file")
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return matroska_format(head) or "an EBML file that is neither Matroska nor WebM"
    return mp4_format(head)


def _plain_content(head: bytes) -> str:
    if not head:
        return _EMPTY
    try:
        # The head may end within a letter.
        letters = codecs.getincrementaldecoder("utf-8")().decode(head, len(head) < _HEAD_BYTES)
    except UnicodeDecodeError:
        return "of an unknown format"
    is_text = all(letter.isprintable() or letter in "\t\r\n\f\ufeff" for letter in letters)
    return "text" if is_text else "of an unknown format"
