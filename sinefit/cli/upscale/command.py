"""`sinefit upscale`: from files to larger ones."""

from __future__ import annotations

from functools import partial
from typing import Any

import typer  # noqa: TC002 (the command line reads the annotation)

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.fit import options as fit_options  # noqa: TC001
from sinefit.cli.fit.batch import fit_files
from sinefit.cli.fit.planning import plan_jobs
from sinefit.cli.fit.request import outer_words
from sinefit.cli.fit.resume import resumed
from sinefit.cli.options import told  # noqa: TC001
from sinefit.cli.options.parsing import parse_rate, parse_scale, parse_seconds, parse_size
from sinefit.cli.options.settings import budget_from, settings_from, with_settings_last
from sinefit.cli.render import options as render_options  # noqa: TC001
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.upscale import options
from sinefit.cli.words.quoting import option_words
from sinefit.errors import SettingError
from sinefit.fitting.config import FitConfig
from sinefit.fitting.hooks import CHECKPOINT_EVERY
from sinefit.initializers.registry import parse_initializer
from sinefit.jobs.origin import read_checkpoint
from sinefit.signals.limits import MAX_BYTES, MAX_PIXELS, Limits
from sinefit.signals.selection import Selection


@partial(with_settings_last, settings=options.SETTINGS)
def upscale(
    context: typer.Context,
    sources: options.Sources = None,
    output: options.Output = None,
    force: render_options.Force = False,
    keep_weights: options.KeepWeights = False,
    as_json: fit_options.AsJson = False,
    scale: options.Scale = None,
    size: render_options.Size = None,
    rate: render_options.Rate = None,
    fps: render_options.Fps = None,
    output_format: render_options.OutputFormat = None,
    bit_depth: render_options.BitDepth = None,
    quality: render_options.Quality = None,
    quiet: told.Quiet = False,
    verbose: told.Verbose = False,
    progress: told.ProgressOption = "auto",
    output_folder: options.OutputFolder = None,
    recursive: fit_options.Recursive = False,
    skip_existing: fit_options.SkipExisting = False,
    dry_run: fit_options.DryRun = False,
    log: fit_options.Log = None,
    resume: fit_options.Resume = None,
    checkpoint_every: fit_options.CheckpointEvery = f"{CHECKPOINT_EVERY:g}s",
    kind: fit_options.Kind = None,
    max_pixels: fit_options.MaxPixels = MAX_PIXELS,
    max_bytes: fit_options.MaxBytes = MAX_BYTES,
    **settings: Any,
) -> None:
    """Fit files by what is between their samples, and render them larger.

    It is fit --for upscale and render in one: options of the fit, which takes minutes, and of the
    new grid are theirs. No texture is invented; sinefit score tells how true the result is. A fit
    that is stopped keeps a checkpoint beside the output, and says how to go on.
    """
    with exit_codes() as streams:
        # Loads torch, which help need not wait for.
        from sinefit.cli.upscale.job import upscale_job
        from sinefit.cli.upscale.planning import with_render
        from sinefit.cli.upscale.request import UpscaleRequest
        from sinefit.rendering.plan import RenderRequest

        messages = Messages(streams, quiet=quiet, verbose=verbose, progress=progress)
        if scale is None and size is None and rate is None and fps is None:
            scale = options.SCALE
        initializer = settings["initializer"]
        encoding = {"--format": output_format, "--bit-depth": bit_depth, "--quality": quality}
        words = {"--scale": scale, "--size": size, "--rate": rate, "--fps": fps, **encoding}
        request = UpscaleRequest(
            settings_from(
                FitConfig,
                settings,
                initializer=None if initializer is None else parse_initializer(initializer),
                budget=budget_from(settings),
            ),
            settings_from(Selection, settings),
            kind=kind,
            limits=Limits(max_pixels, max_bytes),
            force=force,
            checkpoint_every=parse_seconds("--checkpoint-every", checkpoint_every),
            render=RenderRequest(
                scale=None if scale is None else parse_scale(scale),
                size=None if size is None else parse_size(size),
                rate=None if rate is None else parse_rate("--rate", rate),
                fps=None if fps is None else parse_rate("--fps", fps),
                bit_depth=bit_depth,
            ),
            render_words=option_words(words),
            output_format=output_format,
            quality=quality,
            keep_weights=keep_weights,
            outer=option_words({**words, "--keep-weights": keep_weights})
            + outer_words(
                as_json=as_json,
                quiet=quiet,
                verbose=verbose,
                progress=progress,
                log=log,
                max_pixels=max_pixels,
                max_bytes=max_bytes,
            ),
        )
        checkpoint, named = None, sources or []
        if resume is not None:
            checkpoint = read_checkpoint(resume)
            request, job = resumed(context, checkpoint, request, resume, named, None)
            jobs = [job]
        elif named:
            jobs = plan_jobs(named, output, output_folder, streams, recursive=recursive)
        else:
            raise SettingError("no FILE: name what to render larger, or - for a pipe")
        jobs = [with_render(job, request, output) for job in jobs]
        streams.refuse_outputs([job.shown for job in jobs], as_json=as_json)
        fit_files(
            jobs,
            request,
            messages,
            as_json=as_json,
            skip_existing=skip_existing,
            dry_run=dry_run,
            log=log,
            resume=checkpoint,
            do=upscale_job,
        )
