"""`sinefit export`: a weights file in formats that other programs evaluate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.options import told  # noqa: TC001 (the command line reads it)
from sinefit.cli.options.completion import complete_export
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.weights import read_weights
from sinefit.cli.words.amounts import size
from sinefit.errors import SettingError

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.fields.weights_file import StoredField


def export(
    weights: Annotated[
        str | None,
        typer.Argument(
            metavar="WEIGHTS",
            help="A weights file, - for a pipe.",
            show_default="what is piped in, else the newest weights file of this folder",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Output file, - for a pipe.",
            show_default="beside WEIGHTS: photo.onnx",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace existing outputs.")] = False,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="onnx (the extra onnx), torch (torch.export, .pt2), numpy (a decoder in Python "
            "and its weights) or glsl (a function and the texels with its weights).",
            autocompletion=complete_export,
            show_default="by the output's name",
        ),
    ] = None,
    quiet: told.Quiet = False,
) -> None:
    """Write a field in a format that other programs evaluate.

    Each takes positions in samples of what was fitted, the first sample's centre at 0.5, and gives
    values in the signal's units; GLSL gives 0 to 1. sinefit itself reads its weights files alone.
    """
    with exit_codes() as streams:
        from sinefit.exporting.writing import ENDINGS, FORMATS, export_format, write_export

        messages = Messages(streams, quiet=quiet)
        if output is None and output_format is None:
            raise SettingError(f"export needs a --format ({', '.join(FORMATS)}) or an --output")
        chosen = export_format("-" if output is None else output, output_format)

        def read(stored: StoredField) -> Field:
            return stored.field()

        field, path = read_weights(weights, output, messages, read, "exporting")
        if output is None:
            output = (
                streams.default_output() if path is None else str(path.with_suffix(ENDINGS[chosen]))
            )
        streams.refuse_terminal(output)
        for made in write_export(field, output, chosen, force=force, source=path):
            messages.say(f"{made}: {size(made.stat().st_size)}")
