"""`sinefit fit`: from files to weights files."""

from __future__ import annotations

import typer  # noqa: TC002 (the command line reads the annotation)

from sinefit.cli import fit_options as options  # noqa: TC001 (the command line reads it)
from sinefit.cli import options as common  # noqa: TC001
from sinefit.cli.batch import run_batch
from sinefit.cli.console import Messages
from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.fit_request import FitRequest
from sinefit.cli.jobs import plan_jobs
from sinefit.cli.parsing import parse_pixel_region, parse_seconds
from sinefit.cli.resume import resumed
from sinefit.cli.settings import show_settings
from sinefit.cli.streams import refuse_terminal
from sinefit.errors import SettingError
from sinefit.files import is_standard_output
from sinefit.fitting.defaults import DEFAULT_DEPTH, DEFAULT_INITIALIZER
from sinefit.fitting.hooks import CHECKPOINT_EVERY
from sinefit.jobs.origin import read_checkpoint
from sinefit.signals.limits import MAX_BYTES, MAX_PIXELS, Limits


def fit(
    context: typer.Context,
    sources: options.Sources = None,
    output: options.Output = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
    steps: options.Steps = None,
    max_time: options.MaxTime = None,
    target_psnr: options.TargetPsnr = None,
    init: options.Init = None,
    omega: options.Omega = "auto",
    sigma_a: options.SigmaA = None,
    alpha: options.Alpha = None,
    width: options.Width = None,
    depth: options.Depth = None,
    start_from: options.StartFrom = None,
    kind: options.Kind = None,
    input_format: options.InputFormat = None,
    start: options.Start = "0",
    length: options.Length = None,
    region: options.Region = None,
    downsample: options.Downsample = 1,
    channels_last: options.ChannelsLast = False,
    domain: options.Domain = "grid",
    max_pixels: options.MaxPixels = MAX_PIXELS,
    max_bytes: options.MaxBytes = MAX_BYTES,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    lr: options.Lr = None,
    batch: options.Batch = 4096,
    quiet: common.Quiet = False,
    verbose: common.Verbose = False,
    progress: common.ProgressOption = "auto",
    preview: options.Preview = None,
    dtype: options.Dtype = "float32",
    sound: options.Sound = True,
    output_folder: options.OutputFolder = None,
    recursive: options.Recursive = False,
    skip_existing: options.SkipExisting = False,
    together: options.Together = False,
    dry_run: options.DryRun = False,
    log: options.Log = None,
    resume: options.Resume = None,
    checkpoint_every: options.CheckpointEvery = f"{CHECKPOINT_EVERY:g}s",
    config_file: options.ConfigFile = None,  # noqa: ARG001 (its callback has read it)
    show_config: options.ShowConfig = False,
) -> None:
    """Fit sine networks to files and write their weights."""
    with exit_codes():
        if show_config:
            show_settings(context)
            return
        messages = Messages(quiet=quiet, verbose=verbose, progress=progress)
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
        if together:
            _refuse_with_together({"--resume": resume, "--preview": preview})
        initializer = _initializer_text(init, sigma_a=sigma_a, alpha=alpha)

        from sinefit.fitting.budget import Budget
        from sinefit.fitting.config import FitConfig
        from sinefit.fitting.omega_choice import parse_omega
        from sinefit.initializers.registry import parse_initializer
        from sinefit.signals.selection import Selection

        seconds = None if max_time is None else parse_seconds("--max-time", max_time)
        bounded = steps is not None or seconds is not None or target_psnr is not None
        request = FitRequest(
            FitConfig(
                initializer=parse_initializer(initializer),
                omega=parse_omega(omega),
                width=width,
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
            preview=preview,
            outer=_words(
                {
                    "--json": as_json,
                    "--quiet": quiet,
                    "--verbose": verbose,
                    "--progress": None if progress == "auto" else progress,
                    "--preview": preview,
                    "--log": log,
                    "--max-pixels": None if max_pixels == MAX_PIXELS else max_pixels,
                    "--max-bytes": None if max_bytes == MAX_BYTES else max_bytes,
                }
            ),
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
            together=together,
        )


def _refuse_with_from(settings: dict[str, object]) -> None:
    """Raise SettingError for an option that says how to start what --from has started."""
    for flag, value in settings.items():
        if value is not None:
            raise SettingError(
                f"{flag} and --from exclude each other: the start of the earlier fit holds"
            )


def _refuse_with_together(settings: dict[str, object]) -> None:
    """Raise SettingError for an option that is about one fit."""
    for flag, value in settings.items():
        if value is not None:
            raise SettingError(f"{flag} and --together exclude each other: {flag} is for one fit")


def _words(settings: dict[str, object]) -> tuple[str, ...]:
    """Return options that are set as words of a command line; True stands for a flag."""
    words = []
    for flag, value in settings.items():
        if value is True:
            words.append(flag)
        elif value is not None and value is not False:
            words += [flag, str(value)]
    return tuple(words)


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
