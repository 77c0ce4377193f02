"""All formats, by the kind of signal they hold, and the names of files that ask for them."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from sinefit.errors import OutputError, SettingError
from sinefit.signals.array.formats import ARRAY_FORMATS
from sinefit.signals.audio.formats import AUDIO_FORMATS
from sinefit.signals.image.formats import IMAGE_FORMATS
from sinefit.signals.video.formats import VIDEO_FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.signals.signal import Kind
    from sinefit.signals.table import Format

TABLES: Mapping[Kind, Mapping[str, Format]] = {
    "image": IMAGE_FORMATS,
    "video": VIDEO_FORMATS,
    "audio": AUDIO_FORMATS,
    "array": ARRAY_FORMATS,
}
"""Kind -> format name -> its row.

A format of several kinds is of the first of them unless its content tells otherwise.
"""

FORMATS: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {
    kind: {name: row.extensions for name, row in table.items()} for kind, table in TABLES.items()
}
"""Kind -> format name -> endings of file names with the dot, the usual one first."""

WRITTEN: Mapping[Kind, tuple[str, ...]] = {
    kind: tuple(name for name, row in table.items() if row.written)
    for kind, table in TABLES.items()
}
"""Kind -> the names of the formats that signals are written in, the default first."""


def kinds_of(format: str) -> tuple[Kind, ...]:
    """Return the kinds of signal that a format can hold, empty for an unknown format."""
    return tuple(kind for kind, formats in FORMATS.items() if format in formats)


def supported_formats() -> str:
    """Name the formats of all kinds in one line, for messages."""
    return "; ".join(f"{kind} {', '.join(formats)}" for kind, formats in FORMATS.items())


def formats_of(kind: Kind) -> tuple[str, ...]:
    """Return the names of the formats that signals of `kind` can be written in.

    The formats of an array come last for every kind: they hold any samples.
    """
    return tuple(dict.fromkeys((*WRITTEN[kind], *WRITTEN["array"])))


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

    Raises SettingError where the two differ, whatever kind of signal the name stands for.
    """
    named = format_of_name(kind, name)
    meant = {found for other in FORMATS if (found := format_of_name(other, name)) is not None}
    if format is not None and meant and format not in meant:
        raise SettingError(
            f"`format` is {format}, but the name {name} says {named or min(meant)}: drop one of "
            "them"
        )
    return format or named


def extension_of(format: str) -> str:
    """Return the usual ending of file names in `format`, with the dot; OutputError if unknown."""
    extensions = _extensions(format)
    if not extensions:
        raise OutputError(f"{format} is no format that can be written")
    return extensions[0]


def check_quality(kind: Kind, format: str, quality: int | None) -> None:
    """Raise SettingError for a quality that a format of `kind` does not let one choose.

    Formats that cannot hold that kind are left to whoever writes them.
    """
    able = [name for name in WRITTEN[kind] if TABLES[kind][name].lossy]
    if quality is None or format in able or format not in formats_of(kind):
        return
    others = f", or `format` one of {', '.join(able)}" if able else ""
    raise SettingError(
        f"`quality` is {quality}: {format} has none to choose, so it must be left out{others}"
    )


def _extensions(format: str) -> tuple[str, ...]:
    kinds = kinds_of(format)
    return FORMATS[kinds[0]][format] if kinds else ()
