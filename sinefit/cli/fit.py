"""`sinefit fit`: from files to weights files."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from sinefit.cli.batch import run_batch
from sinefit.cli.console import Messages
from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.fit_job import FitRequest
from sinefit.cli.jobs import plan_jobs
from sinefit.cli.parsing import parse_omega, parse_pixel_region, parse_seconds
from sinefit.cli.resume import CHECKPOINT_EVERY, read_checkpoint, resumed
from sinefit.cli.settings import show_settings, use_config_file
from sinefit.cli.streams import refuse_terminal
from sinefit.errors import SettingError
from sinefit.files import is_standard_output
from sinefit.fitting.defaults import DEFAULT_DEPTH, DEFAULT_INITIALIZER, DEFAULT_WIDTH
from sinefit.initializers.registry import INITIALIZERS
from sinefit.signals.limits import MAX_BYTES, MAX_PIXELS, Limits

_WHAT = "What to fit"
_HOW = "The network and its start"
_BUDGET = "When to stop"
_TRAINING = "Training"
_OUTPUT = "Output"
_BATCH = "Many files"
_RESUME = "Stop and go on"


def _complete_init(incomplete: str) -> list[str]:
    return [name for name in INITIALIZERS if name.startswith(incomplete)]


def fit(
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE...", help="Images, sounds, videos, .npy; - for a pipe."),
    ] = None,
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
        typer.Option(
            "--json",
            envvar="SINEFIT_FIT_JSON",
            help="Print a JSON object per file.",
            rich_help_panel=_OUTPUT,
        ),
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
            envvar="SINEFIT_FIT_FROM",
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
            envvar="SINEFIT_FIT_FORMAT",
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
            "--duration",
            envvar="SINEFIT_FIT_DURATION",
            help="Keep this much of a sound or video.",
            rich_help_panel=_WHAT,
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
    max_pixels: Annotated[
        int,
        typer.Option(help="Refuse images and video frames of more pixels.", rich_help_panel=_WHAT),
    ] = MAX_PIXELS,
    max_bytes: Annotated[
        int,
        typer.Option(help="Refuse what takes more bytes decoded.", rich_help_panel=_WHAT),
    ] = MAX_BYTES,
    output_folder: Annotated[
        str | None,
        typer.Option(
            "--output-folder", "-O", help="Write all weights files here.", rich_help_panel=_BATCH
        ),
    ] = None,
    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-r", help="Look into folders.", rich_help_panel=_BATCH),
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing", help="Leave out what has its output.", rich_help_panel=_BATCH
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="List what would be done.", rich_help_panel=_BATCH),
    ] = False,
    log: Annotated[
        str | None,
        typer.Option(help="Append a JSON line per report to this file.", rich_help_panel=_BATCH),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="CHECKPOINT",
            help="Go on with a stopped fit; FILE need not be named.",
            rich_help_panel=_RESUME,
        ),
    ] = None,
    checkpoint_every: Annotated[
        str, typer.Option(help="Time between checkpoints.", rich_help_panel=_RESUME)
    ] = f"{CHECKPOINT_EVERY:g}s",
    config_file: Annotated[  # noqa: ARG001 (its callback has read it)
        str | None,
        typer.Option(
            "--config",
            envvar="SINEFIT_FIT_CONFIG",
            callback=use_config_file,
            is_eager=True,
            help="TOML file of options, below flags and SINEFIT_FIT_* variables.",
        ),
    ] = None,
    show_config: Annotated[
        bool,
        typer.Option("--show-config", help="Print the options in effect as TOML, and stop."),
    ] = False,
) -> None:
    """Fit sine networks to files and write their weights.

    Examples: sinefit fit photo.png --init lambert; sinefit fit *.png --max-time 60s;
    cat a.png | sinefit fit - -o - | sinefit render --scale 4 -o - > big.png
    """
    with exit_codes():
        if show_config:
            show_settings(context)
            return
        messages = Messages(quiet=quiet)
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
        request = FitRequest(
            FitConfig(
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
            ),
            Selection(
                start=parse_seconds("--start", start),
                duration=None if length is None else parse_seconds("--duration", length),
                region=None if region is None else parse_pixel_region(region),
                downsample=downsample,
                channels_last=channels_last,
                domain=domain,
            ),
            kind=kind,
            input_format=input_format,
            sound=sound,
            limits=Limits(max_pixels, max_bytes),
            start_from=start_from,
            force=force,
            checkpoint_every=parse_seconds("--checkpoint-every", checkpoint_every),
        )
        checkpoint = None
        named = sources or []
        if resume is not None:
            checkpoint = read_checkpoint(resume)
            request, job = resumed(context, checkpoint, request, resume, named, output)
            jobs = [job]
        else:
            if not named:
                raise SettingError("no FILE: name what to fit, or - for a pipe")
            jobs = plan_jobs(named, output, output_folder, recursive=recursive)
        if as_json and any(is_standard_output(job.target) for job in jobs):
            raise SettingError("--json and --output - both claim standard output: name a file")
        for job in jobs:
            refuse_terminal(job.target)
        run_batch(
            jobs,
            request,
            messages,
            as_json=as_json,
            skip_existing=skip_existing,
            dry_run=dry_run,
            log=log,
            resume=checkpoint,
        )


def _refuse_with_from(settings: dict[str, object]) -> None:
    """Raise SettingError for an option that says how to start what --from has started."""
    for flag, value in settings.items():
        if value is not None:
            raise SettingError(
                f"{flag} and --from exclude each other: the start of the earlier fit holds"
            )


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
