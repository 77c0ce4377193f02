"""Writing the page of a field to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.files import is_stream, write_bytes
from sinefit.view.original import original_of
from sinefit.view.page import page_pieces

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.signals.signal import Signal


def write_page_file(
    field: Field,
    target: str | Path,
    *,
    original: Signal | None = None,
    name: str | None = None,
    force: bool,
) -> None:
    """Write a page; its name is that of the signal's file unless given, else of the target.

    Raises SettingError for a field that a page cannot show or an original of another shape,
    OutputExistsError and OutputError.
    """
    embedded = None if original is None else original_of(original, field.spec)
    title = name or field.spec.source or ("field" if is_stream(target) else Path(target).stem)
    write_bytes(target, page_pieces(field, title, embedded), force=force)
