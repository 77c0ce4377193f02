"""`sinefit render`: from a weights file to a file of the kind that was fitted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sinefit.cli.console import Messages, ProgressDisplay, duration
from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.parsing import (
    parse_rate,
    parse_region,
    parse_scale,
    parse_seconds,
    parse_size,
)
from sinefit.cli.streams import (
    default_stream,
    is_standard_input,
    newest_weights,
    piped_input,
    read_standard_input,
    refuse_terminal,
)
from sinefit.errors import OutputError, SettingError
from sinefit.files import check_output, is_standard_output, is_stream, whole_output

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.rendering.plan import RenderPlan, RenderRequest
    from sinefit.signals.writer import Encoding

_GRID = "The new grid"
_ENCODING = "Encoding"


def render(
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
            help="Output file, - for a pipe.",
            show_default="beside WEIGHTS: photo-4x.png",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Replace an existing output.")
    ] = False,
    scale: Annotated[
        str | None,
        typer.Option(
            help="Factor on the size (for a sound, on its rate), or width and height: 2x3.",
            rich_help_panel=_GRID,
        ),
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Size in pixels: 3000x2000.", rich_help_panel=_GRID)
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Samples per second of a sound.", rich_help_panel=_GRID)
    ] = None,
    fps: Annotated[
        str | None,
        typer.Option(help="Frames per second of a video, 60 or 30000/1001.", rich_help_panel=_GRID),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            help="Part of an image or video: X,Y,W,H in pixels of the original.",
            rich_help_panel=_GRID,
        ),
    ] = None,
    start: Annotated[
        str, typer.Option(help="Skip this much of a sound or video: 1.5s.", rich_help_panel=_GRID)
    ] = "0",
    length: Annotated[
        str | None,
        typer.Option(
            "--duration",
            envvar="SINEFIT_RENDER_DURATION",
            help="Render this much of a sound or video.",
            rich_help_panel=_GRID,
        ),
    ] = None,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            envvar="SINEFIT_RENDER_FORMAT",
            help="Output format.",
            show_default="by the output's name, else the original's",
            rich_help_panel=_ENCODING,
        ),
    ] = None,
    bit_depth: Annotated[
        int | None,
        typer.Option(
            help="Bits per value.", show_default="the original's", rich_help_panel=_ENCODING
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            min=0, max=100, help="0 to 100, for lossy formats.", rich_help_panel=_ENCODING
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    threads: Annotated[
        int | None, typer.Option(help="CPU threads.", show_default="one per core")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Evaluate a fitted field on any grid and write it as a file.

    Examples: sinefit render --scale 4; sinefit render song.safetensors --rate 96000;
    sinefit render clip.safetensors --scale 2 --fps 60
    """
    with exit_codes():
        messages = Messages(quiet=quiet)

        from sinefit.rendering.plan import RenderRequest, plan_render
        from sinefit.signals.writer import Encoding

        request = RenderRequest(
            scale=None if scale is None else parse_scale(scale),
            size=None if size is None else parse_size(size),
            rate=None if rate is None else parse_rate("--rate", rate),
            fps=None if fps is None else parse_rate("--fps", fps),
            region=None if region is None else parse_region(region),
            start=parse_seconds("--start", start),
            duration=None if length is None else parse_seconds("--duration", length),
            bit_depth=bit_depth,
        )
        field, path = _load(weights, messages)
        plan = plan_render(field.spec, request)
        target, chosen = _target_and_format(field, path, request, output, output_format)
        refuse_terminal(target)
        check_output(target, force=force, source=path)
        for notice in plan.notices:
            messages.warn(notice)
        _write(
            field,
            plan,
            target,
            chosen,
            Encoding(quality=quality),
            force=force,
            device=device,
            threads=threads,
            messages=messages,
        )


def _load(weights: str | None, messages: Messages) -> tuple[Field, Path | None]:
    """Return the field that is meant, and its file if it is one."""
    from sinefit.fields.weights_file import decode_field, read_field

    if weights is not None and is_standard_input(weights):
        return decode_field(read_standard_input(), "standard input"), None
    if weights is not None:
        return read_field(Path(weights)), Path(weights)
    piped = piped_input()
    if piped is not None:
        return decode_field(piped, "standard input"), None
    path = newest_weights(Path())
    messages.say(f"rendering {path}, the newest weights file here")
    return read_field(path), path


def _target_and_format(
    field: Field,
    path: Path | None,
    request: RenderRequest,
    output: str | None,
    output_format: str | None,
) -> tuple[str, str]:
    """Return where the render goes and in which format; a contradiction is an error."""
    from sinefit.signals.writing import extension_of, format_of_name, formats_of

    kind = field.spec.kind
    formats = formats_of(kind)
    if output_format is not None and output_format not in formats:
        raise SettingError(
            f"--format is {output_format}: for a field of kind {kind} it can be "
            f"{', '.join(formats)}"
        )
    original = field.spec.format if field.spec.format in formats else formats[0]
    if output is None:
        chosen = output_format or original
        if path is None:
            return default_stream(), chosen
        name = f"{path.stem}-{_suffix(request)}{extension_of(chosen)}"
        return str(path.with_name(name)), chosen
    if is_stream(output):
        return output, output_format or original
    named = format_of_name(kind, output)
    if output_format is not None:
        if named is not None and named != output_format:
            raise SettingError(
                f"--format is {output_format}, but the name {output} says {named}: drop one of them"
            )
        return output, output_format
    if named is None:
        if Path(output).suffix:
            raise OutputError(
                f"{output}: no format for kind {kind} has this ending; it can be "
                f"{', '.join(extension_of(known) for known in formats)}, or say --format"
            )
        return output, original
    return output, named


def _suffix(request: RenderRequest) -> str:
    """Return what a default name tells of the request: "4x", "2x3", "96000hz", "crop-4x"."""
    parts = []
    if request.start or request.duration is not None:
        parts.append("cut")
    if request.region is not None:
        parts.append("crop")
    if request.size is not None:
        parts.append("x".join(str(count) for count in request.size))
    elif request.scale is not None:
        factors = "x".join(f"{factor:g}" for factor in request.scale)
        parts.append(f"{factors}x" if len(request.scale) == 1 else factors)
    if request.rate is not None:
        parts.append(f"{float(request.rate):g}hz")
    if request.fps is not None:
        parts.append(f"{float(request.fps):g}fps")
    return "-".join(parts) or "1x"


def _write(
    field: Field,
    plan: RenderPlan,
    target: str,
    chosen: str,
    encoding: Encoding,
    *,
    force: bool,
    device: str,
    threads: int | None,
    messages: Messages,
) -> None:
    import time

    from sinefit.cli.fit_job import describe_signal
    from sinefit.fitting.devices import cpu_threads, resolve_device
    from sinefit.rendering.render import render_blocks
    from sinefit.signals.writing import check_writable, extension_of, open_writer

    check_writable(plan.spec, chosen)
    network = field.network.to(resolve_device(device))
    name = "standard output" if is_standard_output(target) else target
    begin = time.perf_counter()
    with whole_output(target, force=force, suffix=extension_of(chosen)) as temporary:
        writer = open_writer(temporary, plan.spec, chosen, encoding)
        try:
            with cpu_threads(threads), ProgressDisplay(messages, name) as display:
                done = 0
                for block in render_blocks(network, plan):
                    writer.write(block)
                    done += len(block)
                    share = done / plan.spec.shape[0]
                    seconds = time.perf_counter() - begin
                    display.update(share, f"{duration(seconds * (1 - share) / share)} left")
                writer.close()
        except BaseException:
            writer.abort()
            raise
    for notice in writer.notices:
        messages.warn(notice)
    messages.say(f"{name}: {describe_signal(plan.spec)}, {chosen}")
