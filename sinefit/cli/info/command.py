"""`sinefit info`: everything that a weights file or a signal says of itself."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.options import told  # noqa: TC001 (the command line reads it)
from sinefit.cli.terminal.console import printable
from sinefit.cli.terminal.streams import STANDARD_INPUT, read_input
from sinefit.cli.words.amounts import size
from sinefit.cli.words.signals import measured_words
from sinefit.describing import signal_values, stack_values, weights_values
from sinefit.errors import SettingError
from sinefit.fields.content import MemoryContent, is_weights_file, open_content
from sinefit.fields.metadata import header_of, is_stack, parse_header
from sinefit.files import is_standard_input

if TYPE_CHECKING:
    from sinefit.cli.terminal.streams import Streams
    from sinefit.fields.content import Content

FEW: Final = 5
"""Names of a stack's fields that people are shown."""


def info(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="A weights file or a signal, - for a pipe."),
    ] = None,
    as_json: told.AsJson = False,
    as_schema: Annotated[
        bool,
        typer.Option(
            "--schema",
            help="Tell instead what every key of --json, of events and of weights files means.",
        ),
    ] = False,
) -> None:
    """Show what is known of a weights file, or of a file that could be fitted."""
    with exit_codes() as streams:
        if as_schema:
            from sinefit.cli.info.schema import schema, schema_lines

            if as_json:
                streams.write_json(schema())
            else:
                streams.write_line("\n".join(schema_lines()))
            return
        if file is None:
            raise SettingError("info: missing argument 'FILE' (see: sinefit info --help)")
        values = _describe(file, streams)
        if as_json:
            streams.write_json(values)
            return
        console = streams.text_console()
        flat = _lines(values)
        indent = max(len(key) for key, _ in flat)
        for key, value in flat:
            console.print(f"{key:<{indent}}  {printable(value)}")


def _describe(file: str, streams: Streams) -> dict[str, Any]:
    if is_standard_input(file):
        content, name = streams.input_bytes(), STANDARD_INPUT
        if is_weights_file(content):
            return _describe_weights(MemoryContent(content, name), check_weights=True)
        return signal_values(read_input(content), name)
    head = b""
    path = Path(file)
    # What cannot be opened is explained by whoever reads it next.
    with contextlib.suppress(OSError):
        if path.is_file():
            with path.open("rb") as stream:
                head = stream.read(16)
    if is_weights_file(head):
        with open_content(path) as opened:
            return _describe_weights(opened)
    return signal_values(read_input(file), file)


def _describe_weights(content: Content, *, check_weights: bool | None = None) -> dict[str, Any]:
    parsed = parse_header(content)
    if not is_stack(parsed[0], content.name):
        header = header_of(content, check_weights=check_weights, parsed=parsed)
        return weights_values(header, content.name)
    # Loads torch, which nothing else here waits for.
    from sinefit.fields.stack_file import StoredStack

    return stack_values(StoredStack(content, parsed).headers, content.name, content.size)


def _lines(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return lines for people, in which a PSNR says what it was measured on."""
    if values["type"] == "stack":
        listed = values.pop("fields")
        values["names"] = [one["name"] for one in listed[:FEW]] + ["..."] * (len(listed) > FEW)
    lines = dict(_flatten(values))
    if values["type"] == "weights":
        samples = math.prod(values["signal"]["shape"])
        lines["fit.psnr_samples"] = measured_words(values["fit"]["psnr_samples"], samples)
    return list(lines.items())


def _flatten(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Return lines for people: dotted keys, sizes in words, what is not there left out."""
    lines = []
    for key, value in values.items():
        if value is None or value is False or value in ([], ()):
            continue
        if isinstance(value, dict):
            lines += [(f"{key}.{inner}", text) for inner, text in _flatten(value)]
        elif key in ("bytes", "source_bytes"):
            lines.append((key, size(value)))
        elif key == "share_of_source":
            lines.append((key, f"{value:.1%}"))
        elif isinstance(value, float):
            lines.append((key, f"{value:.6g}"))
        elif isinstance(value, tuple | list):
            lines.append(
                (key, ", ".join(f"{v:.6g}" if isinstance(v, float) else str(v) for v in value))
            )
        else:
            lines.append((key, str(value)))
    return lines
