"""What a file is, told from its content and never from its name."""

from __future__ import annotations

import codecs
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from sinefit.errors import InputError
from sinefit.signals.containers import (
    id3_size,
    is_mpeg_audio,
    matroska_format,
    mp4_format,
    ogg_content,
)
from sinefit.signals.formats import kinds_of, supported_formats
from sinefit.signals.gif import is_animated_gif

if TYPE_CHECKING:
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
)
# The same for containers that name their content at byte 8.
_CONTAINERS: dict[tuple[bytes, bytes], str] = {
    (b"RIFF", b"WEBP"): "webp",
    (b"RIFF", b"WAVE"): "wav",
    (b"RIFX", b"WAVE"): "wav",
    (b"RF64", b"WAVE"): "wav",
    (b"BW64", b"WAVE"): "wav",
    (b"FORM", b"AIFF"): "aiff",
    (b"FORM", b"AIFC"): "aiff",
}
# What is known well enough to be named, but not read.
_UNSUPPORTED: tuple[tuple[int, bytes, str], ...] = (
    (8, b"AVI ", "an AVI video"),
    (0, b"riff\x2e\x91\xcf\x11", "a Wave64 sound"),
    (0, b"caff", "a Core Audio sound"),
    (0, b".snd", "an AU sound"),
    (0, b"PK\x03\x04", "a ZIP archive (.npz files are such: save one array as .npy)"),
    (0, b"\x1f\x8b", "gzip-compressed"),
    (0, b"\x28\xb5\x2f\xfd", "zstd-compressed"),
    (0, b"%PDF", "a PDF document"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR image"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"#EXTM3U", "an M3U playlist"),
    (0, b"ffconcat", "an ffconcat script"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"\x7fELF", "a program"),
    (0, b"\xff\xf1", "an AAC sound"),
    (0, b"\xff\xf9", "an AAC sound"),
)


@dataclass(frozen=True)
class Content:
    """What a file was recognised as."""

    format: str | None
    """A supported format's name, or None."""
    description: str
    """What it is in words, with an article, when it is not supported; else the format's name."""


def identify(file: BinaryIO) -> Content:
    """Recognise the content of an open binary file that can seek; its position is left anywhere."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    found = _simple_format(head) or _container_format(head)
    if found is None and (tag := id3_size(head)):
        file.seek(tag)
        found = "flac" if file.read(4) == b"fLaC" else "mp3"
    if found is None and is_mpeg_audio(head):
        found = "mp3"
    if found is None:
        return Content(None, _unsupported_content(head) or _plain_content(head))
    return Content(found if kinds_of(found) else None, found)


def detect(file: BinaryIO, name: str) -> tuple[Kind, str]:
    """Return the kind and the format of an open binary file that can seek.

    A GIF is a video when it has more than one frame, else an image. Raises InputError, which calls
    the file `name`, when it is none of the supported formats.
    """
    content = identify(file)
    if content.format is None:
        if content.description == _WEIGHTS:
            raise InputError(
                f"{name} is a weights file, not a signal: use sinefit render to get its signal back"
            )
        raise InputError(
            f"{name} is {content.description}, which cannot be fitted: "
            f"supported are {supported_formats()}"
        )
    if content.format == "gif":
        return ("video" if is_animated_gif(file) else "image"), "gif"
    return kinds_of(content.format)[0], content.format


_WEIGHTS = "a weights file"


def _simple_format(head: bytes) -> str | None:
    for offset, signature, found in _SIGNATURES:
        if head.startswith(signature, offset):
            return found
    if _is_bmp(head):
        return "bmp"
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


def _unsupported_content(head: bytes) -> str | None:
    for offset, signature, description in _UNSUPPORTED:
        if head.startswith(signature, offset):
            return description
    if len(head) > 9 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] < 10**8:
        return _WEIGHTS
    return None


def _plain_content(head: bytes) -> str:
    if not head:
        return "empty"
    try:
        # The head may end within a letter.
        letters = codecs.getincrementaldecoder("utf-8")().decode(head, len(head) < _HEAD_BYTES)
    except UnicodeDecodeError:
        return "of an unknown format"
    is_text = all(letter.isprintable() or letter in "\t\r\n\f\ufeff" for letter in letters)
    return "text" if is_text else "of an unknown format"
