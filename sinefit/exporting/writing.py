"""Writing a field in an open format, to one file or to code with its weights beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

from sinefit.errors import OutputError, SettingError
from sinefit.files import check_output, is_stream, write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.fields.field import Field

ExportFormat = Literal["onnx", "torch", "numpy", "glsl"]

FORMATS: Final[tuple[ExportFormat, ...]] = get_args(ExportFormat)
ENDINGS: Final[Mapping[ExportFormat, str]] = {
    "onnx": ".onnx",
    "torch": ".pt2",
    "numpy": ".py",
    "glsl": ".glsl",
}
BESIDE: Final[Mapping[ExportFormat, str]] = {"numpy": ".npz", "glsl": ".bin"}
"""Endings of the files with weights that lie beside code."""


def export_format(target: str | Path, format: str | None) -> ExportFormat:
    """Return the format that is asked for by its name or by the output's ending.

    Raises SettingError for an unknown one, and where the two contradict each other.
    """
    ending = "" if is_stream(target) else Path(target).suffix.lower()
    named = next((known for known, own in ENDINGS.items() if own == ending), None)
    if format is None:
        if named is None:
            endings = ", ".join(f"{known} ({own})" for known, own in ENDINGS.items())
            raise SettingError(
                f"{target}: no format is known by this name; say `format`: {endings}"
            )
        return named
    for known in FORMATS:
        if format == known:
            if named not in (None, known):
                raise SettingError(
                    f"`format` is {format}, but the name {target} says {named}: drop one of them"
                )
            return known
    raise SettingError(f"`format` is {format!r}: it can be {', '.join(FORMATS)}")


def write_export(
    field: Field,
    target: str | Path,
    format: ExportFormat,
    *,
    force: bool,
    source: str | Path | None = None,
) -> list[Path]:
    """Write a field in a format; return the files that were written, none for a stream.

    Code goes to `target` and its weights beside it, to the same name with another ending. `source`
    is the file that the field was read from, which is never replaced. Raises SettingError for a
    field that the format cannot hold, OutputError for a stream where there are two files.
    """
    if field.numbers is not None:
        raise SettingError("a field that was read in part cannot be exported: read the whole of it")
    beside = None
    if format in BESIDE:
        if is_stream(target):
            raise OutputError(
                f"{target}: {format} makes two files, code and its weights; name a file"
            )
        beside = Path(target).with_suffix(BESIDE[format])
    for path in (target, beside):
        if path is not None:
            check_output(path, force=force, source=source)
    if beside is None:
        # torch's exporters take long to load.
        from sinefit.exporting.programs import onnx_model, torch_program

        content = onnx_model(field) if format == "onnx" else torch_program(field)
        write_bytes(target, content, force=force)
        return [] if is_stream(target) else [Path(target)]
    from sinefit.exporting.decoders import glsl_function, numpy_decoder

    if format == "numpy":
        code, weights = numpy_decoder(field)
    else:
        title = field.spec.source or Path(target).stem
        code, weights = glsl_function(field, title, beside.name)
    write_bytes(beside, weights, force=force)
    write_bytes(target, code.encode(), force=force)
    return [Path(target), beside]
