"""Many fits: one that fails does not stop the rest, and what failed is told last."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from typing import TYPE_CHECKING, Any

import typer

from sinefit.cli.fit.cluster import fit_jobs_on_cluster
from sinefit.cli.fit.job import fit_job
from sinefit.cli.fit.log import open_log
from sinefit.cli.fit.outcomes import Outcomes
from sinefit.cli.fit.preview import check_preview
from sinefit.cli.fit.sentences import say_removed, say_stack
from sinefit.cli.fit.together import fit_jobs_together
from sinefit.cli.stopping import StopRequest
from sinefit.cli.terminal.console import printable
from sinefit.errors import OutputError
from sinefit.files import is_standard_input, is_stream
from sinefit.fitting.report import Stopped
from sinefit.jobs.stale import remove_finished_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.cli.fit.request import FitRequest
    from sinefit.cli.terminal.messages import Messages
    from sinefit.cli.terminal.streams import Streams
    from sinefit.cluster.address import ClusterAddress
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.jobs.job import Job
    from sinefit.jobs.stacking import StackJob


def run_batch(
    jobs: list[Job],
    request: FitRequest,
    messages: Messages,
    *,
    as_json: bool = False,
    skip_existing: bool = False,
    dry_run: bool = False,
    log: str | None = None,
    resume: Checkpoint | None = None,
    together: bool = False,
    stack: StackJob | None = None,
    cluster: ClusterAddress | None = None,
    do: Callable[..., dict[str, Any]] = fit_job,
) -> None:
    """Run the fits in turn, `together`, so into the one file of a `stack`, or on a `cluster`.

    A failure of the only fit raises its error; failures in a batch are listed at the end, which is
    then BATCH. With `as_json` every fit prints one object, a failed one with its `error`. A stopped
    fit ends the batch. In turn, `do` is what is done with a job, called as `fit_job` is.
    """
    with contextlib.ExitStack() as held:
        if stack is not None and not dry_run:
            held.enter_context(stack.claimed(request))
        waiting = _waiting(jobs, messages, skip_existing=skip_existing, dry_run=dry_run)
        if stack is not None and len(waiting) < len(jobs):
            done = len(jobs) - len(waiting)
            messages.say(f"{stack.target}: {done} of {len(jobs)} fields are there already")
        _check_log(log, jobs)
        if request.preview is not None:
            check_preview(request.preview, jobs, log=log)
        if dry_run:
            for job in waiting:
                _show_plan(job, messages.streams, as_json=as_json)
            return
        stop = StopRequest()
        with open_log(log, messages) as on_event:
            outcomes = Outcomes(
                request,
                messages,
                stop,
                on_event,
                as_json=as_json,
                is_only=len(jobs) == 1 and stack is None,
                stack=None if stack is None else stack.target,
            )
            if stack is not None:
                each = dataclasses.replace(request, force=False)
                fit_jobs_together(waiting, each, messages, stop, outcomes)
                _gather(stack, request, messages)
            elif cluster is not None and waiting:
                fit_jobs_on_cluster(waiting, request, messages, stop, outcomes, cluster)
            elif together:
                fit_jobs_together(waiting, request, messages, stop, outcomes)
            else:
                _in_turn(waiting, request, messages, stop, outcomes, resume, do)
    outcomes.close(len(waiting))


def _waiting(
    jobs: list[Job], messages: Messages, *, skip_existing: bool, dry_run: bool
) -> list[Job]:
    """Return the jobs that are to be done: those of a stack that are not, whatever is asked."""
    waiting = []
    for job in jobs:
        if not job.has_output or not (skip_existing or job.stack is not None):
            waiting.append(job)
            continue
        if job.stack is None:
            messages.say(f"{job.target}: exists, left out")
        removed = None if dry_run else remove_finished_checkpoint(job)
        if removed is not None and job.stack is None:
            say_removed(job, removed, messages)
    return waiting


def _gather(stack: StackJob, request: FitRequest, messages: Messages) -> None:
    names = stack.gather(request, messages.warn)
    if names:
        say_stack(stack.target, len(names), names[0], messages)


def _in_turn(
    waiting: list[Job],
    request: FitRequest,
    messages: Messages,
    stop: StopRequest,
    outcomes: Outcomes,
    resume: Checkpoint | None,
    do: Callable[..., dict[str, Any]],
) -> None:
    for number, job in enumerate(waiting):
        if stop.requested():
            messages.always(f"stopped before {job.source}")
            raise typer.Exit(stop.exit_code)
        outcomes.begin(job)
        try:
            values = do(job, request, messages, stop, resume=resume, on_event=outcomes.on_event)
        except Exception as error:
            outcomes.failed(job, error)
            if isinstance(error, Stopped):
                outcomes.stopped(len(waiting) - number - 1)
        else:
            outcomes.done(values)


def _show_plan(job: Job, streams: Streams, *, as_json: bool) -> None:
    if as_json:
        streams.write_json({"file": job.source, **job.names})
    else:
        streams.write_line(f"{printable(job.source)} -> {printable(job.shown)}")


def _check_log(name: str | None, jobs: list[Job]) -> None:
    """Raise OutputError for a log that would be written into an input or over an output."""
    if name is None or is_stream(name):
        return
    place = os.path.realpath(name)
    for job in jobs:
        files = [job.target] if is_standard_input(job.source) else [job.source, job.target]
        if place in map(os.path.realpath, files):
            raise OutputError(f"{name}: it is an input or an output; give --log another name")
