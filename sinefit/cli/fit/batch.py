"""Many fits: one that fails does not stop the rest, and what failed is told last."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING

from sinefit.cli.fit.cluster import ClusterTelling
from sinefit.cli.fit.log import open_log
from sinefit.cli.fit.outcomes import Outcomes
from sinefit.cli.fit.preview import check_preview
from sinefit.cli.fit.sentences import say_removed, say_stack
from sinefit.cli.fit.telling import Telling
from sinefit.cli.stopping import StopRequest
from sinefit.cli.terminal.console import printable
from sinefit.errors import OutputError
from sinefit.files import is_standard_input, is_stream
from sinefit.jobs.stale import remove_finished_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.cli.fit.request import FitRequest
    from sinefit.cli.terminal.messages import Messages
    from sinefit.cli.terminal.streams import Streams
    from sinefit.cluster.address import ClusterAddress
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.report import FitResult
    from sinefit.jobs.batch import Runner
    from sinefit.jobs.job import Job
    from sinefit.jobs.stacking import StackJob


def fit_files(
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
    do: Callable[..., FitResult] | None = None,
) -> None:
    """Run the fits in turn, `together`, so into the one file of a `stack`, or on a `cluster`.

    A failure of the only fit raises its error; failures in a batch are listed at the end, which is
    then BATCH. With `as_json` every fit prints one object, a failed one with its `error`. A stopped
    fit ends the batch. In turn, `do` is what is done with a job, called as `run_job` is.
    """
    with contextlib.ExitStack() as held:
        each = request
        if stack is not None and not dry_run:
            each = held.enter_context(stack.claimed(request))
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
        # Loads what reads signals, which help need not wait for.
        from sinefit.jobs.batch import run_batch

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
            telling = Telling(request, messages, stop, outcomes)
            if cluster is not None:
                telling = ClusterTelling(request, messages, stop, outcomes, waiting)
            runner = _runner(telling, do, resume, cluster, together=together or stack is not None)
            ended = run_batch(waiting, each, runner, telling)
            left = sum(one.is_stopped for one in ended)
            if left or len(ended) < len(waiting):
                begun = {one.source for one in ended}
                telling.say_stopped(left, [job for job in waiting if job.source not in begun])
                outcomes.stopped()
            if stack is not None:
                names = stack.gather(request, telling)
                if names:
                    say_stack(stack.target, len(names), names[0], messages)
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


def _runner(
    telling: Telling,
    do: Callable[..., FitResult] | None,
    resume: Checkpoint | None,
    cluster: ClusterAddress | None,
    *,
    together: bool,
) -> Runner:
    """Return how the fits are run."""
    if isinstance(telling, ClusterTelling):
        assert cluster is not None
        from sinefit.cluster.batches import run_on_cluster

        return partial(run_on_cluster, address=cluster, watch=telling.watch)
    if together:
        from sinefit.jobs.together import run_together

        return run_together
    from sinefit.jobs.batch import run_in_turn
    from sinefit.jobs.running import run_job

    return partial(run_in_turn, do=do or run_job, resume=resume)


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
