"""Fields and signals to and from files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sinefit.errors import OutputError
from sinefit.exporting.writing import export_format, write_export
from sinefit.fields.field import Field
from sinefit.fields.stack_file import read_stack, stack_pieces
from sinefit.fields.weights_file import decode_field, field_pieces, read_field
from sinefit.files import write_bytes
from sinefit.fitting.config import STORAGE_TYPES
from sinefit.signals.formats import agreed_format, check_quality, formats_of
from sinefit.signals.objects import as_signal
from sinefit.signals.signal import Signal
from sinefit.signals.writer import Encoding
from sinefit.signals.writing import written
from sinefit.validation import (
    check_choice,
    check_type,
    file_name,
    truth,
)
from sinefit.view.writing import write_page_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from sinefit.fitting.config import (
        StorageType,
    )
    from sinefit.signals.objects import Source


def load(source: str | Path | bytes) -> Field:
    """Load a field from a weights file or from the bytes of one.

    Raises InputError for anything that is not a sound weights file.
    """
    if isinstance(source, bytes):
        return decode_field(source, "weights")
    return read_field(file_name("source", source))


def load_stack(source: str | Path) -> dict[str, Field]:
    """Load the fields of a stack's file by their names, in the order of its tensors' rows.

    Raises InputError for anything that is not the sound file of a stack.
    """
    return read_stack(file_name("source", source))


def save(
    field: Field, target: str | Path, *, dtype: StorageType | None = None, force: bool = False
) -> None:
    """Write a field's weights file; it appears whole or not at all.

    Without a `dtype` it is float16 for weights that this holds exactly, as a fit that stores them
    so leaves them, else float32. Raises OutputExistsError if the file exists and `force` is false.
    A `dtype` coarser than the fit's changes the weights: the PSNR on record no longer holds.
    """
    check_type("field", field, Field, "a field")
    force = truth("force", force)
    content = field_pieces(field, _storage(dtype, [field]))
    write_bytes(file_name("target", target), content, force=force)


def save_stack(
    fields: Mapping[str, Field],
    target: str | Path,
    *,
    dtype: StorageType | None = None,
    force: bool = False,
) -> None:
    """Write fields of alike networks by name into one file with a tensor per parameter.

    Each tensor has the fields as its first axis: `safetensors.torch.load_file` gives them. `dtype`
    and `force` are as in `save`; colour profiles and sound tracks are left out.

    Raises SettingError for fields of several blocks, for unlike networks, and for none or more
    than 8192 of them.
    """
    for field in fields.values():
        check_type("fields", field, Field, "fields by name")
    force = truth("force", force)
    content = stack_pieces(fields, _storage(dtype, fields.values()))
    write_bytes(file_name("target", target), content, force=force)


def write(
    signal: Signal,
    target: str | Path,
    *,
    format: str | None = None,
    quality: int | None = None,
    force: bool = False,
) -> None:
    """Write a signal to a file; the format follows the name unless given.

    `quality` is 0 (worst) to 100 (best), for formats that lose something; None takes a good one of
    the format's own. Raises OutputError for a format that cannot hold the signal, naming those that
    can, SettingError for one that the name contradicts or that has no quality to choose, and
    OutputExistsError if the file exists and `force` is false.
    """
    check_type("signal", signal, Signal, "a signal")
    force = truth("force", force)
    encoding = Encoding(quality=quality)
    target = file_name("target", target)
    chosen = agreed_format(signal.spec.kind, str(target), format)
    if chosen is None:
        known = ", ".join(formats_of(signal.spec.kind))
        raise OutputError(f"{target}: no format is known by this name; give one of {known}")
    check_quality(signal.spec.kind, chosen, encoding.quality)
    with written(target, signal.spec, chosen, encoding, force=force) as writer:
        writer.write(signal.samples)


def write_page(
    field: Field,
    target: str | Path,
    *,
    original: Source | None = None,
    name: str | None = None,
    force: bool = False,
) -> None:
    """Write a web page that holds a field and evaluates it where it is opened.

    One file, which asks nothing of the network. `original`, anything that `fit` takes, is the
    picture that was fitted, to be held against the field; one of more than two megapixels is
    reduced. `name` is the page's title, else that of the fitted file. Raises SettingError for a
    field that a page cannot show or an original of another shape, InputError for one that cannot be
    read, and OutputExistsError if the file exists and `force` is false.
    """
    check_type("field", field, Field, "a field")
    force = truth("force", force)
    if name is not None:
        check_type("name", name, str, "a text")
    signal = None
    if original is not None:
        spec = field.spec
        signal = as_signal(original, channels_last=spec.channels_last, domain=spec.domain)
    write_page_file(field, file_name("target", target), original=signal, name=name, force=force)


def export(
    field: Field, target: str | Path, *, format: str | None = None, force: bool = False
) -> None:
    """Write a field in a format that other programs evaluate; it follows the name unless given.

    "onnx" is an ONNX model, for which the extra `onnx` is needed, and "torch" a program for
    `torch.export.load`, .pt2: both map positions (count, axes), float64, in samples of what was
    fitted, the first sample's centre at 0.5, to values (count, channels) in the signal's units.
    "numpy" is a Python file with the function `field`, which does the same with NumPy alone, and an
    .npz beside it; "glsl" a function for shaders with a .bin of texels beside it. sinefit does not
    read them: `save` writes what `load` reads.

    Raises SettingError for a field that the format cannot hold, and OutputExistsError if a file
    exists and `force` is false.
    """
    check_type("field", field, Field, "a field")
    force = truth("force", force)
    target = file_name("target", target)
    write_export(field, target, export_format(target, format), force=force)


def _storage(dtype: StorageType | None, fields: Iterable[Field]) -> torch.dtype:
    """Return the type to store weights in."""
    if dtype is None:
        rows = (field.network.values for field in fields)
        dtype = "float16" if all(bool((row == row.half()).all()) for row in rows) else "float32"
    check_choice("dtype", dtype, STORAGE_TYPES)
    found: torch.dtype = getattr(torch, dtype)
    return found
