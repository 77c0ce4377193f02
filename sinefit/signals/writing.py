"""Writing a signal of any kind: checked first, then block by block through its format's writer."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sinefit.errors import OutputError
from sinefit.files import whole_output
from sinefit.signals.array.formats import check_array_writable
from sinefit.signals.array.writing import ArrayWriter
from sinefit.signals.audio.formats import check_audio_writable
from sinefit.signals.audio.writing import AudioWriter
from sinefit.signals.formats import WRITTEN, extension_of, formats_of
from sinefit.signals.image.formats import check_image_writable
from sinefit.signals.image.writing import ImageWriter
from sinefit.signals.video.formats import check_video_writable
from sinefit.signals.video.writing import open_video_writer
from sinefit.signals.writer import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
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


@contextlib.contextmanager
def written(
    target: str | Path,
    spec: SignalSpec,
    format: str,
    encoding: Encoding = _DEFAULT_ENCODING,
    *,
    force: bool,
) -> Iterator[SignalWriter]:
    """Give what writes a signal; when the block ends well, the file becomes `target`.

    Raises what `open_writer` and `whole_output` do.
    """
    with whole_output(target, force=force, suffix=extension_of(format)) as temporary:
        writer = open_writer(temporary, spec, format, encoding)
        try:
            yield writer
            writer.close()
        except BaseException:
            writer.abort()
            raise


def _writing_kind(spec: SignalSpec, format: str) -> Kind:
    return "array" if format in WRITTEN["array"] else spec.kind
