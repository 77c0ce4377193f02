"""Reading a signal of any kind from a file or from bytes."""

from __future__ import annotations

import io
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from sinefit.errors import InputError, SettingError
from sinefit.signals.array.reading import read_array
from sinefit.signals.audio.reading import read_audio
from sinefit.signals.formats import FORMATS, kinds_of, supported_formats
from sinefit.signals.image.reading import read_image
from sinefit.signals.limits import DEFAULT_LIMITS
from sinefit.signals.masks import by_alpha, by_mask, reduced
from sinefit.signals.media.streams import is_sound_only
from sinefit.signals.selection import ALPHA, Selection
from sinefit.signals.signal import KINDS, NOUNS
from sinefit.signals.sniffing import detect, identify, kind_of_content
from sinefit.signals.video.formats import VIDEO_FORMATS
from sinefit.signals.video.reading import read_video
from sinefit.validation import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from sinefit.signals.limits import Limits
    from sinefit.signals.signal import Kind, Signal

_READERS: Mapping[Kind, Callable[[Path, str, str, Selection, Limits], Signal]] = {
    "image": read_image,
    "audio": read_audio,
    "video": read_video,
    "array": read_array,
}
# Formats that one reader takes, so that a wrong name among them may be corrected by --format.
_RELATED = ({"mp4", "mov", "m4a"}, {"mkv", "webm"})
_WHOLE_FILE = Selection()
_PIECE_BYTES = 2**20


def read_signal(
    source: str | Path | bytes | BinaryIO,
    *,
    name: str | None = None,
    kind: Kind | None = None,
    format: str | None = None,
    selection: Selection = _WHOLE_FILE,
    limits: Limits = DEFAULT_LIMITS,
) -> Signal:
    """Read a signal from a file, from the bytes of one, or from a stream such as standard input.

    A stream is read once, to its end, and need not be able to seek; it is not held in memory.
    Kind and format are told from the content; `format` names it where the content does not tell.
    `kind` "image" reads the first frame of an animated picture, "audio" the sound of a video.
    `name` is what errors call the source: its path, or "the input" for what has none, unless given.
    `spec.source` is the last part of that name, None without a name; `spec.source_bytes` is the
    size of the file.

    Raises InputError when the source cannot be read, is damaged, of an unsupported format or larger
    than `limits` (which is told before memory is taken), and SettingError when the selection,
    kind or format does not suit what it holds.
    """
    if kind is not None and kind not in KINDS:
        raise SettingError(f"`kind` is {kind}: it must be one of {', '.join(KINDS)}")
    if format is not None and not kinds_of(format):
        raise SettingError(f"`format` is {format}: it must be one of {supported_formats()}")
    if not isinstance(source, str | Path | bytes) and not hasattr(source, "read"):
        raise refusal("source", source, "a file's name, the bytes of a file or a stream of them")
    known_as = name if name is not None else _name_of(source)
    shown = known_as if known_as is not None else "the input"
    with _as_file(source, shown, limits, format) as path:
        found_kind, found_format = _kind_and_format(path, shown, kind, format, limits)
        check_selection(selection, found_kind, shown)
        signal = _READERS[found_kind](path, shown, found_format, selection, limits)
        size = path.stat().st_size
    own_name = Path(known_as).name if known_as is not None else None
    signal = replace(signal, spec=replace(signal.spec, source=own_name, source_bytes=size))
    if selection.mask is None:
        return signal
    return masked(signal, selection.mask, selection, limits)


def masked(
    signal: Signal,
    name: str,
    selection: Selection = _WHOLE_FILE,
    limits: Limits = DEFAULT_LIMITS,
) -> Signal:
    """Return a signal of whose samples those are known that a mask's file keeps, "alpha" its own.

    `selection` is the part of a file that the signal is, which of a mask's picture is taken too.
    Raises what `read_signal` does, and SettingError for a mask of another size.
    """
    if name == ALPHA:
        return by_alpha(signal)
    with _as_file(name, name, limits, None) as path:
        kind, format = _kind_and_format(path, name, None, None, limits)
        part = Selection(
            start=selection.start if kind == "video" else 0.0,
            duration=selection.duration if kind == "video" else None,
            region=selection.region if kind in ("image", "video") else None,
        )
        mask = _READERS[kind](path, name, format, part, limits)
    colours = mask.samples[..., :-1] if mask.spec.alpha else mask.samples
    known: NDArray[np.bool_] = np.any(colours, axis=-1)
    if kind in ("image", "video"):
        known = reduced(known, selection.downsample)
    return by_mask(signal, known, name)


def check_selection(selection: Selection, kind: Kind, name: str) -> None:
    """Raise SettingError, naming the setting, when a part of it means nothing for `kind`."""
    in_time = ("audio", "video")
    in_space = ("image", "video")
    flags = (
        ("`start`", selection.start != _WHOLE_FILE.start, in_time),
        ("`duration`", selection.duration is not None, in_time),
        ("`region`", selection.region is not None, in_space),
        ("`downsample`", selection.downsample != _WHOLE_FILE.downsample, in_space),
        ("`grey`", selection.grey, ("image",)),
        ("`channels_last`", selection.channels_last, ("array",)),
        (f"`domain` {selection.domain}", selection.domain != _WHOLE_FILE.domain, ("array",)),
    )
    for flag, is_set, kinds in flags:
        if is_set and kind not in kinds:
            raise SettingError(
                f"{flag} is for {' and '.join(kinds)}: {name} is {NOUNS[kind]}, leave it out"
            )


def _kind_and_format(
    path: Path, name: str, kind: Kind | None, format: str | None, limits: Limits
) -> tuple[Kind, str]:
    with _opened(path, name) as file:
        found_kind: Kind
        if format is None:
            found_kind, format = detect(file, name)
        else:
            _check_format(file, name, format)
            found_kind = kind_of_content(file, format)
    demuxer = VIDEO_FORMATS[format].demuxer if found_kind == "video" else None
    if kind is None and demuxer is not None and "audio" in kinds_of(format):
        found_kind = "audio" if is_sound_only(path, name, demuxer, limits) else found_kind
    if kind is None or kind == found_kind:
        return found_kind, format
    if format not in FORMATS[kind]:
        raise SettingError(f"`kind` is {kind}: {name} is {NOUNS[found_kind]} ({format})")
    return kind, format


def _check_format(file: BinaryIO, name: str, format: str) -> None:
    """Raise InputError when the content is known to be of another format than was asked for."""
    found = identify(file).format
    related = any({found, format} <= formats for formats in _RELATED)
    if found is not None and found != format and not related:
        raise InputError(f"{name} holds {found}, not {format}: leave `format` out")


def _name_of(source: str | Path | bytes | BinaryIO) -> str | None:
    return str(source) if isinstance(source, str | Path) else None


@contextmanager
def _as_file(
    source: str | Path | bytes | BinaryIO, name: str, limits: Limits, format: str | None
) -> Iterator[Path]:
    """Provide a path to an ordinary file: that of the source, or of a temporary copy.

    Decoders go back and forth in a file, which neither bytes nor pipes let them do by a path.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        with _explained(name):
            mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{name} is a folder: name the files in it")
        if stat.S_ISREG(mode):
            yield path
            return
    with tempfile.TemporaryDirectory(prefix="sinefit-input-") as folder:
        copy = Path(folder) / "input"
        try:
            with copy.open("wb") as target:
                if isinstance(source, bytes):
                    target.write(source)
                elif isinstance(source, str | Path):
                    with _opened(Path(source), name) as pipe:
                        _copy(pipe, target, name, limits.max_bytes, format)
                else:
                    _copy(source, target, name, limits.max_bytes, format)
        except OSError as error:
            raise InputError(
                f"{name} cannot be copied to {folder}: {error.strerror} (TMPDIR names the place)"
            ) from None
        yield copy


def _copy(pipe: BinaryIO, target: BinaryIO, name: str, most: int, format: str | None) -> None:
    """Copy a pipe, which may have no end, up to `most` bytes; raises InputError for more.

    Of what begins like none of the formats, no more is copied than tells what it is.
    """
    copied = 0
    while piece := pipe.read(_PIECE_BYTES):
        if not isinstance(piece, bytes):
            raise SettingError(f"{name} is a stream of text: open it in binary mode")
        if not copied and format is None and identify(io.BytesIO(piece)).format is None:
            target.write(piece)
            return
        copied += len(piece)
        if copied > most:
            raise InputError(
                f"{name} goes on beyond {most} bytes: name a file, or raise `max_bytes`"
            )
        target.write(piece)


def _opened(path: Path, name: str) -> io.BufferedReader:
    with _explained(name):
        return path.open("rb")


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn what the system says about a path into InputError."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{name} does not exist: check the name") from None
    except PermissionError:
        raise InputError(f"{name} may not be read: check its permissions") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{name} cannot be opened: {reason}") from None
