"""Choosing a format for an output, checking that it can hold the signal, opening its writer."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from sinefit.errors import OutputError, SettingError
from sinefit.signals.array import ARRAY_WRITTEN, ArrayWriter, check_array_writable
from sinefit.signals.audio import AudioWriter, check_audio_writable
from sinefit.signals.formats import FORMATS, WRITTEN, kinds_of
from sinefit.signals.image_formats import check_image_writable
from sinefit.signals.image_writer import ImageWriter
from sinefit.signals.video import check_video_writable, open_video_writer
from sinefit.signals.writer import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sinefit.signals.signal import Kind, SignalSpec
    from sinefit.signals.writer import SignalWriter

_CHECKS: Mapping[Kind, Callable[[SignalSpec, str], None]] = {
    "image": check_image_writable,
    "audio": check_audio_writable,
    "video": check_video_writable,
    "array": check_array_writable,
}
_WRITERS: Mapping[Kind, Callable[[Path, SignalSpec, str, Encoding], SignalWriter]] = {
    "image": ImageWriter,
    "audio": AudioWriter,
    "video": open_video_writer,
    "array": ArrayWriter,
}
_DEFAULT_ENCODING = Encoding()


def formats_of(kind: Kind) -> tuple[str, ...]:
    """Return the names of the formats that signals of `kind` can be written in.

    The formats of an array come last for every kind: they hold any samples.
    """
    return tuple(dict.fromkeys((*WRITTEN[kind], *ARRAY_WRITTEN)))


def format_of_name(kind: Kind, name: str) -> str | None:
    """Return the format of `kind` that a file's name asks for by its ending, None when none does.

    Upper and lower case are the same.
    """
    ending = PurePath(name).suffix.lower()
    for format in formats_of(kind):
        if ending in _extensions(format):
            return format
    return None


def agreed_format(kind: Kind, name: str, format: str | None) -> str | None:
    """Return the format that is asked for, else the one that a file's name asks for, if any.

    Raises SettingError where the two differ.
    """
    named = format_of_name(kind, name)
    if None not in (format, named) and format != named:
        raise SettingError(
            f"`format` is {format}, but the name {name} says {named}: drop one of them"
        )
    return format or named


def extension_of(format: str) -> str:
    """Return the usual ending of file names in `format`, with the dot; OutputError if unknown."""
    extensions = _extensions(format)
    if not extensions:
        raise OutputError(f"{format} is no format that can be written")
    return extensions[0]


def check_writable(spec: SignalSpec, format: str) -> None:
    """Raise OutputError, naming formats that can, when `format` cannot hold the signal.

    To be called before any work is spent on samples.
    """
    if format not in formats_of(spec.kind):
        raise OutputError(
            f"{spec.kind} cannot be written as {format}: use {', '.join(formats_of(spec.kind))}"
        )
    _CHECKS[_writing_kind(spec, format)](spec, format)


def open_writer(
    path: Path, spec: SignalSpec, format: str, encoding: Encoding = _DEFAULT_ENCODING
) -> SignalWriter:
    """Create the file at `path` and return what writes a signal of that spec into it.

    The name of the file has no influence. Raises OutputError when `format` cannot hold the signal
    or the file cannot be created, and SettingError when the encoding is not one of the format's.
    """
    check_writable(spec, format)
    return _WRITERS[_writing_kind(spec, format)](path, spec, format, encoding)


def _writing_kind(spec: SignalSpec, format: str) -> Kind:
    return "array" if format in ARRAY_WRITTEN else spec.kind


def _extensions(format: str) -> tuple[str, ...]:
    kinds = kinds_of(format)
    return FORMATS[kinds[0]][format] if kinds else ()
