"""A field as a program of torch.export, and as an ONNX model made of it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from typing import TYPE_CHECKING, Any, Final

import torch

from sinefit.errors import SettingError
from sinefit.exporting.module import FieldModule
from sinefit.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinefit.fields.field import Field

INPUT: Final = "positions"
OUTPUT: Final = "values"
METADATA: Final = "sinefit.json"
"""The file with the description in a torch.export archive."""


def exported_program(field: Field) -> torch.export.ExportedProgram:
    """Return the program that evaluates a field at any number of positions.

    Raises SettingError for a network that torch.export cannot take.
    """
    # Two positions and more: one alone would be a number of its own for the exporter.
    example = torch.tensor([[0.5 * size + 0.1] * 2 for size in field.spec.shape]).T.double()
    count = torch.export.Dim("count", min=1)
    module = FieldModule(field).eval()
    try:
        with _quietly(), torch.no_grad():
            return torch.export.export(
                module, (torch.cat([example, example]),), dynamic_shapes=({0: count},)
            )
    except Exception as error:
        raise _no_export(field, "torch", error) from error


def torch_program(field: Field) -> bytes:
    """Return the bytes of a .pt2 file: what `torch.export.load` reads."""
    content = io.BytesIO()
    with _quietly():
        torch.export.save(
            exported_program(field), content, extra_files={METADATA: json.dumps(described(field))}
        )
    return content.getvalue()


def onnx_model(field: Field) -> bytes:
    """Return the bytes of an ONNX model with one input, positions, and one output, values.

    Raises SettingError where the packages of the extra `onnx` are missing.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise SettingError(
            "`format` is onnx, which needs more packages: pip install 'sinefit[onnx]'"
        ) from error
    program = exported_program(field)
    try:
        with _quietly():
            made: Any = torch.onnx.export(
                program, input_names=[INPUT], output_names=[OUTPUT], dynamo=True, verbose=False
            )
        model = made.model_proto
    except Exception as error:
        raise _no_export(field, "onnx", error) from error
    model.producer_name, model.producer_version = "sinefit", __version__
    for key, value in described(field).items():
        model.metadata_props.add(key=f"sinefit.{key}", value=json.dumps(value))
    return bytes(model.SerializeToString())


def described(field: Field) -> dict[str, Any]:
    """Return what a program tells of the field that it evaluates, by names."""
    spec = field.spec
    return {
        "kind": spec.kind,
        "shape": spec.shape,
        "channels": spec.channels,
        "low": spec.low,
        "high": spec.high,
        "rate": None if spec.rate is None else str(spec.rate),
        "positions": "in samples of what was fitted, in the order of its axes; the first is at 0.5",
        "tool_version": __version__,
    }


def _no_export(field: Field, format: str, error: Exception) -> SettingError:
    reason = " ".join(str(error).split())[:200]
    return SettingError(
        f"`format` is {format}: torch cannot export {field.network.family.name} networks so: "
        f"{reason}"
    )


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep to ourselves what exporters say of their own affairs."""
    names = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
