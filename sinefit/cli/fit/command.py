"""`sinefit fit`: from files to weights files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer  # noqa: TC002 (the command line reads the annotation)

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.fit import options  # noqa: TC001 (the command line reads it)
from sinefit.cli.fit.batch import fit_files
from sinefit.cli.fit.config_file import show_settings
from sinefit.cli.fit.planning import plan_jobs
from sinefit.cli.fit.request import FitRequest, outer_words
from sinefit.cli.fit.resume import resumed
from sinefit.cli.options import told  # noqa: TC001
from sinefit.cli.options.parsing import parse_seconds
from sinefit.cli.options.settings import (
    OFFERED,
    budget_from,
    default_of,
    settings_from,
    with_settings,
)
from sinefit.cli.terminal.messages import Messages
from sinefit.cluster.address import ClusterAddress
from sinefit.errors import SettingError
from sinefit.fitting.config import NETWORK, FitConfig
from sinefit.fitting.hooks import CHECKPOINT_EVERY
from sinefit.initializers.registry import parse_initializer
from sinefit.jobs.origin import read_checkpoint
from sinefit.jobs.shards import Shard
from sinefit.signals.limits import MAX_BYTES, MAX_PIXELS, Limits
from sinefit.signals.selection import Selection

if TYPE_CHECKING:
    from sinefit.jobs.job import Job


@with_settings
def fit(
    context: typer.Context,
    sources: options.Sources = None,
    output: options.Output = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
    sigma_a: options.SigmaA = None,
    alpha: options.Alpha = None,
    start_from: options.StartFrom = None,
    kind: options.Kind = None,
    input_format: options.InputFormat = None,
    max_pixels: options.MaxPixels = MAX_PIXELS,
    max_bytes: options.MaxBytes = MAX_BYTES,
    quiet: told.Quiet = False,
    verbose: told.Verbose = False,
    progress: told.ProgressOption = "auto",
    preview: options.Preview = None,
    sound: options.Sound = True,
    output_folder: options.OutputFolder = None,
    recursive: options.Recursive = False,
    skip_existing: options.SkipExisting = False,
    together: options.Together = False,
    stack: options.Stack = None,
    shard: options.Shard = None,
    cluster: options.Cluster = None,
    dry_run: options.DryRun = False,
    log: options.Log = None,
    resume: options.Resume = None,
    checkpoint_every: options.CheckpointEvery = f"{CHECKPOINT_EVERY:g}s",
    config_file: options.ConfigFile = None,  # noqa: ARG001 (its callback has read it)
    show_config: options.ShowConfig = False,
    **settings: Any,
) -> None:
    """Fit sine networks to files and write their weights."""
    with exit_codes() as streams:
        if show_config:
            show_settings(context, streams)
            return
        messages = Messages(streams, quiet=quiet, verbose=verbose, progress=progress)
        if start_from is not None:
            short = {"--sigma-a": sigma_a, "--alpha": alpha}
            _refuse(
                "--from",
                {**_of_network(settings), **short},
                "the start of the earlier fit holds",
            )
        if together or stack is not None:
            _refuse(
                "--together", {"--resume": resume, "--preview": preview}, "{flag} is for one fit"
            )
        where = None if cluster is None else ClusterAddress.of(cluster)
        if where is not None:
            _refuse(
                "--cluster",
                {
                    "--together": together or None,
                    "--stack": stack,
                    "--resume": resume,
                    "--preview": preview,
                },
                "leave one of them out",
            )
        if stack is not None:
            _refuse(
                "--stack",
                {
                    "--output": output,
                    "--output-folder": output_folder,
                    "--skip-existing": skip_existing or None,
                    "--shard": shard,
                },
                "it is one file for all",
            )
        part = None if shard is None else Shard.of(shard)
        if part is not None and resume is not None:
            raise SettingError("--shard and --resume exclude each other: --resume is for one fit")
        initializer = _initializer_text(settings["initializer"], sigma_a=sigma_a, alpha=alpha)
        recipe = None if initializer is None else parse_initializer(initializer)
        request = FitRequest(
            settings_from(
                FitConfig,
                settings,
                initializer=recipe,
                budget=budget_from(settings),
            ),
            settings_from(Selection, settings),
            kind=kind,
            input_format=input_format,
            sound=sound,
            limits=Limits(max_pixels, max_bytes),
            start_from=start_from,
            force=force,
            checkpoint_every=parse_seconds("--checkpoint-every", checkpoint_every),
            preview=preview,
            outer=outer_words(
                as_json=as_json,
                quiet=quiet,
                verbose=verbose,
                progress=progress,
                log=log,
                max_pixels=max_pixels,
                max_bytes=max_bytes,
                preview=preview,
            ),
        )
        checkpoint = stack_job = None
        named = sources or []
        if resume is not None:
            checkpoint = read_checkpoint(resume)
            request, job = resumed(context, checkpoint, request, resume, named, output)
            jobs = [job]
        else:
            if not named:
                raise SettingError("no FILE: name what to fit, or - for a pipe")
            if stack is None:
                jobs = plan_jobs(named, output, output_folder, streams, recursive=recursive)
                if part is not None:
                    jobs = _of_shard(part, jobs, messages)
            else:
                # Loads torch, which nothing else here waits for.
                from sinefit.jobs.stacking import plan_stack, settings_for_stack

                stack_job = plan_stack(named, stack, recursive=recursive)
                request, jobs = settings_for_stack(request), stack_job.jobs
        streams.refuse_outputs([job.target for job in jobs], as_json=as_json)
        fit_files(
            jobs,
            request,
            messages,
            as_json=as_json,
            skip_existing=skip_existing,
            dry_run=dry_run,
            log=log,
            resume=checkpoint,
            together=together,
            stack=stack_job,
            cluster=where,
        )


def _of_shard(shard: Shard, jobs: list[Job], messages: Messages) -> list[Job]:
    """Return the jobs of a shard, and say how many of all they are."""
    mine = shard.of_all(jobs)
    files = "1 file" if len(jobs) == 1 else f"{len(jobs)} files"
    messages.say(f"shard {shard}: {len(mine)} of {files}")
    return mine


def _of_network(settings: dict[str, Any]) -> dict[str, object]:
    """Return what is said of the network and its start by flags, None where nothing is."""
    return {
        f"--{each.flag}": None if settings[each.name] == default_of(each) else settings[each.name]
        for each in OFFERED
        if each.group == NETWORK
    }


def _refuse(chosen: str, others: dict[str, object], reason: str) -> None:
    """Raise SettingError for an option among others, None where it is not set, beside a flag."""
    for flag, value in others.items():
        if value is not None:
            because = reason.format(flag=flag)
            raise SettingError(f"{flag} and {chosen} exclude each other: {because}")


def _initializer_text(
    init: str | None, *, sigma_a: float | None, alpha: float | None
) -> str | None:
    """Return the text of the initializer; a short form alone means the scheme it is short for.

    None where nothing is said of it.
    """
    given = [
        (scheme, f"{name}={value!r}")
        for scheme, name, value in (("lambert", "sigma_a", sigma_a), ("ws", "alpha", alpha))
        if value is not None
    ]
    if init is None:
        if not given:
            return None
        init = given[0][0]
    return ":".join([init, *(setting for _, setting in given)])
