"""`sinefit fit`: from a file to a weights file."""

from __future__ import annotations

import dataclasses
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sinefit.cli.console import Messages, ProgressDisplay, duration, size
from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.parsing import parse_omega, parse_pixel_region, parse_seconds
from sinefit.cli.streams import (
    default_stream,
    is_standard_input,
    read_standard_input,
    refuse_terminal,
    write_json,
)
from sinefit.errors import InputError, SettingError
from sinefit.fields.metadata import SUFFIX
from sinefit.files import check_output, is_standard_output, is_stream, write_bytes
from sinefit.fitting.defaults import DEFAULT_DEPTH, DEFAULT_INITIALIZER, DEFAULT_WIDTH
from sinefit.fitting.report import FitDivergedError
from sinefit.initializers.registry import INITIALIZERS

if TYPE_CHECKING:
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.report import FitReport, FitResult
    from sinefit.signals.signal import Signal, SignalSpec

_WHAT = "What to fit"
_HOW = "The network and its start"
_BUDGET = "When to stop"
_TRAINING = "Training"
_OUTPUT = "Output"


def _complete_init(incomplete: str) -> list[str]:
    return [name for name in INITIALIZERS if name.startswith(incomplete)]


def fit(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="An image, sound, video or .npy; - for a pipe.")
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="Weights file, - for a pipe.",
            show_default="FILE's name with .safetensors",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Replace an existing weights file.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the final report as JSON.", rich_help_panel=_OUTPUT),
    ] = False,
    dtype: Annotated[
        Literal["float32", "float16", "bfloat16"],
        typer.Option(help="Type of the stored weights.", rich_help_panel=_OUTPUT),
    ] = "float32",
    sound: Annotated[
        bool,
        typer.Option(help="Keep a video's sound track in the file.", rich_help_panel=_OUTPUT),
    ] = True,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors only.", rich_help_panel=_OUTPUT)
    ] = False,
    init: Annotated[
        str | None,
        typer.Option(
            help="Initializer, with parameters: lambert:sigma_a=1. See: sinefit inits.",
            autocompletion=_complete_init,
            show_default=DEFAULT_INITIALIZER,
            rich_help_panel=_HOW,
        ),
    ] = None,
    omega: Annotated[
        str,
        typer.Option(
            help="First-layer frequency: a number, one per axis (images: height,width), or auto.",
            rich_help_panel=_HOW,
        ),
    ] = "auto",
    sigma_a: Annotated[
        float | None,
        typer.Option(help="Short for --init lambert:sigma_a=...", rich_help_panel=_HOW),
    ] = None,
    alpha: Annotated[
        float | None, typer.Option(help="Short for --init ws:alpha=...", rich_help_panel=_HOW)
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(help="Neurons per layer.", show_default="256", rich_help_panel=_HOW),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(
            help="Sine layers; a linear one follows.", show_default="4", rich_help_panel=_HOW
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="WEIGHTS",
            help="Go on from the weights of an earlier fit, with its network and initializer.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Optimiser steps.", show_default="by the signal", rich_help_panel=_BUDGET
        ),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(help="Time since the first step: 90s, 5m.", rich_help_panel=_BUDGET),
    ] = None,
    target_psnr: Annotated[
        float | None, typer.Option(help="Quality in dB.", rich_help_panel=_BUDGET)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all draws.", rich_help_panel=_TRAINING)] = 0,
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.", rich_help_panel=_TRAINING)
    ] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(help="CPU threads.", show_default="one per core", rich_help_panel=_TRAINING),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            help="Adam's learning rate on effective weights, before the initializer's scales.",
            show_default="the initializer's",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    batch: Annotated[int, typer.Option(help="Samples per step.", rich_help_panel=_TRAINING)] = 4096,
    kind: Annotated[
        Literal["image", "audio", "video", "array"] | None,
        typer.Option(
            help="Read FILE as this.", show_default="by its content", rich_help_panel=_WHAT
        ),
    ] = None,
    input_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="FILE's format.",
            show_default="by its content",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    start: Annotated[
        str, typer.Option(help="Skip this much of a sound or video: 1.5s.", rich_help_panel=_WHAT)
    ] = "0",
    length: Annotated[
        str | None,
        typer.Option(
            "--duration", help="Keep this much of a sound or video.", rich_help_panel=_WHAT
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(help="Part of an image or video: X,Y,W,H in pixels.", rich_help_panel=_WHAT),
    ] = None,
    downsample: Annotated[
        int,
        typer.Option(help="Average N by N pixels of an image or video.", rich_help_panel=_WHAT),
    ] = 1,
    channels_last: Annotated[
        bool,
        typer.Option(
            "--channels-last",
            help="The last axis of an array holds channels.",
            rich_help_panel=_WHAT,
        ),
    ] = False,
    domain: Annotated[
        Literal["grid", "sphere"],
        typer.Option(
            help="sphere: an array's axes are latitude, longitude.", rich_help_panel=_WHAT
        ),
    ] = "grid",
) -> None:
    """Fit a sine network to FILE and write its weights.

    Examples: sinefit fit photo.png --init lambert; sinefit fit song.wav --max-time 60s;
    cat a.png | sinefit fit - -o - | sinefit render --scale 4 -o - > big.png
    """
    with exit_codes():
        messages = Messages(quiet=quiet)
        _check_source(source)
        target = _target(source, output)
        if as_json and is_standard_output(target):
            raise SettingError("--json and --output - both claim standard output: name a file")
        refuse_terminal(target)
        if start_from is not None:
            _refuse_with_from(
                {
                    "--init": init,
                    "--sigma-a": sigma_a,
                    "--alpha": alpha,
                    "--omega": None if omega == "auto" else omega,
                    "--width": width,
                    "--depth": depth,
                }
            )
        initializer = _initializer_text(init, sigma_a=sigma_a, alpha=alpha)

        from sinefit.fitting.budget import Budget
        from sinefit.fitting.config import FitConfig
        from sinefit.initializers.registry import parse_initializer
        from sinefit.signals.selection import Selection

        seconds = None if max_time is None else parse_seconds("--max-time", max_time)
        bounded = steps is not None or seconds is not None or target_psnr is not None
        config = FitConfig(
            initializer=parse_initializer(initializer),
            omega=parse_omega(omega),
            width=DEFAULT_WIDTH if width is None else width,
            depth=DEFAULT_DEPTH if depth is None else depth,
            budget=Budget(steps, seconds, target_psnr) if bounded else None,
            learning_rate=lr,
            batch=batch,
            seed=seed,
            device=device,
            threads=threads,
            storage=dtype,
        )
        selection = Selection(
            start=parse_seconds("--start", start),
            duration=None if length is None else parse_seconds("--duration", length),
            region=None if region is None else parse_pixel_region(region),
            downsample=downsample,
            channels_last=channels_last,
            domain=domain,
        )
        check_output(target, force=force, source=source)
        signal = _read(source, kind, input_format, selection, messages)
        if not sound:
            signal = dataclasses.replace(
                signal, spec=dataclasses.replace(signal.spec, soundtrack=None)
            )
        diverged: FitDivergedError | None = None
        try:
            result = _run(signal, config, start_from, messages)
        except FitDivergedError as error:
            diverged, result = error, error.result
        _write(result, target, config, force=force)
        _report(result.report, result.field.spec, target, messages)
        if as_json:
            write_json(_as_json(result.report, target, config))
        if diverged is not None:
            raise diverged


def _refuse_with_from(settings: dict[str, object]) -> None:
    """Raise SettingError for an option that says how to start what --from has started."""
    for flag, value in settings.items():
        if value is not None:
            raise SettingError(
                f"{flag} and --from exclude each other: the start of the earlier fit holds"
            )


def _check_source(source: str) -> None:
    """Raise InputError for what is no file, before anything is said about an output."""
    if is_standard_input(source):
        return
    try:
        mode = Path(source).stat().st_mode
    except FileNotFoundError:
        raise InputError(f"{source} does not exist: check the name") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{source} cannot be opened: {reason}") from None
    if stat.S_ISDIR(mode):
        raise InputError(f"{source or 'FILE'} is a folder: name the files in it")


def _target(source: str, output: str | None) -> str:
    """Return where the weights go: beside the input, or standard output for standard input."""
    if output is not None:
        return output
    if is_standard_input(source):
        return default_stream()
    if is_stream(source):
        raise SettingError(f"{source} is no ordinary file: name a weights file with --output")
    return str(Path(source).with_suffix(SUFFIX))


def _initializer_text(init: str | None, *, sigma_a: float | None, alpha: float | None) -> str:
    """Return the text of the initializer; a short form alone means the scheme it is short for."""
    given = [
        (scheme, f"{name}={value!r}")
        for scheme, name, value in (("lambert", "sigma_a", sigma_a), ("ws", "alpha", alpha))
        if value is not None
    ]
    if init is None:
        init = given[0][0] if given else DEFAULT_INITIALIZER
    return ":".join([init, *(setting for _, setting in given)])


def _read(
    source: str, kind: Any, input_format: str | None, selection: Any, messages: Messages
) -> Signal:
    from sinefit.signals.reading import read_signal

    content = read_standard_input() if is_standard_input(source) else source
    signal = read_signal(content, kind=kind, format=input_format, selection=selection)
    if signal.spec.sample_count == 0:
        raise InputError(f"{source}: it has no samples, so there is nothing to fit")
    for notice in signal.notices:
        messages.warn(notice)
    return signal


def _run(
    signal: Signal, config: FitConfig, start_from: str | None, messages: Messages
) -> FitResult:
    from sinefit.fields.weights_file import read_field
    from sinefit.fitting.devices import resolve_device
    from sinefit.fitting.loop import fit_signal
    from sinefit.fitting.omega import resolve_omega
    from sinefit.initializers.registry import describe

    device = resolve_device(config.device)
    initial = None if start_from is None else read_field(Path(start_from))
    origin = " (from its spectrum)" if config.omega is None else ""
    if initial is not None:
        config, origin = config.continuing(initial), f" (from {start_from})"
    omega = resolve_omega(config.omega, config.initializer, signal, config.size_for(signal.spec))
    messages.say(
        f"{signal.spec.source or 'signal'}: {describe_signal(signal.spec)}; "
        f"{describe(config.initializer)}, omega {','.join(f'{w:.4g}' for w in omega)}{origin}, "
        f"on {device}"
    )
    with ProgressDisplay(messages, signal.spec.source or "signal") as display:
        return fit_signal(signal, config, start_from=initial, on_progress=display.show_fit)


def describe_signal(spec: SignalSpec) -> str:
    """Return one line about a signal: kind, size, channels, depth and rate."""
    if spec.kind == "image":
        extent = f"{spec.shape[1]}x{spec.shape[0]} pixels"
    elif spec.kind == "video":
        assert spec.rate is not None
        extent = (
            f"{spec.shape[0]} frames of {spec.shape[2]}x{spec.shape[1]} at {float(spec.rate):g} fps"
        )
    elif spec.kind == "audio":
        assert spec.rate is not None
        extent = f"{spec.shape[0]} samples at {float(spec.rate):g} Hz"
    else:
        extent = "x".join(str(size) for size in spec.shape) + " samples"
    channels = f"{spec.channels} channel{'s' if spec.channels > 1 else ''}"
    return f"{spec.kind}, {extent}, {channels}, {spec.bit_depth} bit"


def _write(result: FitResult, target: str, config: FitConfig, *, force: bool) -> None:
    import torch

    from sinefit.fields.weights_file import encode_field

    content = encode_field(result.field, getattr(torch, config.storage))
    write_bytes(target, content, force=force)


def _report(report: FitReport, spec: SignalSpec, target: str, messages: Messages) -> None:
    record = report.record
    saved = f"{record.psnr:.2f} dB PSNR as saved"
    if record.snr is not None:
        saved += f", {record.snr:.2f} dB SNR"
    name = "standard output" if is_standard_output(target) else target
    messages.say(
        f"{name}: {saved}, {record.psnr_float:.2f} dB in float ({range_name(spec)}); "
        f"{record.steps} steps in {duration(report.seconds)}, "
        f"{report.samples_per_second / 1000:.0f}k samples/s on {report.device}"
    )
    if report.ended_by == "plateau":
        messages.warn("the target quality is out of reach: try a larger --width or another --omega")
    if not is_stream(target):
        argument = f"-- {shlex.quote(name)}" if name.startswith("-") else shlex.quote(name)
        written = size(Path(target).stat().st_size)
        messages.say(f"{name}: {written}; next: sinefit render {argument}")


def range_name(spec: SignalSpec) -> str:
    """Return what PSNR's range is for this kind of signal."""
    if spec.kind == "audio":
        return f"range: twice the peak, {spec.value_range:.4g}"
    if spec.kind == "array":
        return f"range: that of the values, {spec.value_range:.4g}"
    return f"range: full scale, {spec.value_range:g}"


def _as_json(report: FitReport, target: str, config: FitConfig) -> dict[str, Any]:
    values = dataclasses.asdict(report.record)
    values.update(
        seconds=report.seconds,
        samples_per_second=report.samples_per_second,
        device=report.device,
        ended_by=report.ended_by,
        weights=target,
        dtype=config.storage,
    )
    return values
