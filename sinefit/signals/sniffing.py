"""What a file is, told from its content and never from its name."""

from __future__ import annotations

import codecs
import struct
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from sinefit.errors import InputError
from sinefit.signals.containers import (
    id3_size,
    is_adts,
    is_mpeg_audio,
    is_mpeg_ts,
    is_tga,
    matroska_format,
    mp4_format,
    ogg_content,
)
from sinefit.signals.formats import kinds_of, supported_formats
from sinefit.signals.image.pnm import is_pnm
from sinefit.signals.unsupported import WEIGHTS, known_content
from sinefit.signals.video.animation_frames import is_animated, is_animated_gif

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sinefit.signals.signal import Kind

_HEAD_BYTES = 2**16

# Offset and bytes of what needs no further look, and the format's name here.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"II\x2a\0", "tiff"),
    (0, b"MM\0\x2a", "tiff"),
    (0, b"II\x2b\0", "tiff"),
    (0, b"MM\0\x2b", "tiff"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"fLaC", "flac"),
    (0, b"\x93NUMPY", "npy"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (0, b"\xff\x4f\xff\x51", "jp2"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (0, b"\xff\x0a", "jxl"),
    (0, b"caff\0\1", "caf"),
    (0, b".snd\0\0", "au"),
    (0, b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0", "w64"),
)
# The same for containers that name their content at byte 8.
_CONTAINERS: dict[tuple[bytes, bytes], str] = {
    (b"RIFF", b"WEBP"): "webp",
    (b"RIFF", b"AVI "): "avi",
    (b"RIFF", b"WAVE"): "wav",
    (b"RIFX", b"WAVE"): "wav",
    (b"RF64", b"WAVE"): "wav",
    (b"BW64", b"WAVE"): "wav",
    (b"FORM", b"AIFF"): "aiff",
    (b"FORM", b"AIFC"): "aiff",
}


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
    found = _simple_format(head) or _container_format(head)
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
    animated = _ANIMATED.get(format)
    if animated is None:
        return kinds_of(format)[0]
    return "video" if animated(file) else "image"


_CANON_RAW = b"CR"
_EMPTY = "empty"
_ANIMATED: Mapping[str, Callable[[BinaryIO], bool]] = {
    "gif": is_animated_gif,
    "png": partial(is_animated, format="png"),
    "webp": partial(is_animated, format="webp"),
}
# What is told by more than a signature, the surest first.
_TELLING: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (is_mpeg_audio, "mp3"),
    (is_adts, "aac"),
    (is_mpeg_ts, "ts"),
    (is_pnm, "ppm"),
    (is_tga, "tga"),
)


def _simple_format(head: bytes) -> str | None:
    for offset, signature, found in _SIGNATURES:
        if head.startswith(signature, offset):
            return None if found == "tiff" and head[8:10] == _CANON_RAW else found
    if _is_bmp(head):
        return "bmp"
    if head.startswith(b"PK\x03\x04"):
        # The name of the first file in the archive, and its length.
        name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
        return "npz" if name.endswith(b".npy") else None
    return _CONTAINERS.get((head[:4], head[8:12]))


def _container_format(head: bytes) -> str | None:
    """Return the format, or the description, of a container that several formats share."""
    if head.startswith(b"OggS"):
        content = ogg_content(head)
        return {"audio": "ogg", "video": "an Ogg video"}.get(content or "", "an Ogg file")
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return matroska_format(head) or "an EBML file that is neither Matroska nor WebM"
    return mp4_format(head)


def _is_bmp(head: bytes) -> bool:
    """Tell whether it is a BMP: two letters are too few, so the size of its header is asked too."""
    return head.startswith(b"BM") and len(head) >= 18 and head[14:18] in _BMP_HEADERS


_BMP_HEADERS = {struct.pack("<I", size) for size in (12, 16, 40, 52, 56, 64, 108, 124)}


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
