"""`sinefit fit --cluster`: files fitted by workers on this and other machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.cli.fit.sentences import say_removed, say_result
from sinefit.cli.fit.values import fit_values
from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.cli.words.progress import cluster_words
from sinefit.fitting.report import (
    FitNotMeasuredError,
    FitStoppedError,
    PartsStoppedError,
    Stopped,
)

if TYPE_CHECKING:
    from sinefit.cli.fit.outcomes import Outcomes
    from sinefit.cli.fit.request import FitRequest
    from sinefit.cli.stopping import StopRequest
    from sinefit.cli.terminal.messages import Messages
    from sinefit.cluster.address import ClusterAddress
    from sinefit.cluster.tasks import ClusterProgress
    from sinefit.fitting.report import Progress
    from sinefit.jobs.job import Job
    from sinefit.jobs.running import JobOutcome


def fit_jobs_on_cluster(
    jobs: list[Job],
    request: FitRequest,
    messages: Messages,
    stop: StopRequest,
    outcomes: Outcomes,
    address: ClusterAddress,
) -> None:
    """Fit files on a cluster; what each of them tells and leaves is as in a batch.

    A stop leaves a checkpoint of every fit that had begun, and the same command goes on with them.
    """
    from sinefit.cluster.batches import BatchHooks, fit_on_cluster
    from sinefit.cluster.connecting import connected

    by_source = {job.source: job for job in jobs}
    title = jobs[0].source if len(jobs) == 1 else f"{len(jobs)} files"
    ended = left = 0
    with stop, connected(address) as client, ProgressDisplay(messages, title) as display:

        def show(progress: ClusterProgress) -> None:
            display.update(progress.share, cluster_words(progress))

        def hear(job: Job, progress: Progress) -> None:
            outcomes.progressed(job, progress)
            if progress.phase == "measuring" and len(jobs) == 1:
                display.show_fit(progress)

        hooks = BatchHooks(
            on_begin=outcomes.begin,
            on_progress=show,
            on_fit_progress=hear,
            on_notice=lambda job, sentence: messages.warn(_named(job, sentence)),
            on_removed=lambda job, path: say_removed(job, path, messages),
            should_stop=stop.requested,
        )
        for outcome in fit_on_cluster(client, jobs, request, hooks):
            ended += 1
            left += isinstance(outcome.error, Stopped)
            _tell(outcome, by_source[outcome.source], messages, outcomes)
    if stop.requested() and (left or ended < len(jobs)):
        if left:
            messages.always(f"stopped: {left} of {len(jobs)} left what they have reached")
        cure = "the same command goes on"
        if request.force:  # which starts over
            cure += " without --force, once what it is to replace is moved"
        messages.always(cure)
        outcomes.stopped(len(jobs) - ended)


def _tell(outcome: JobOutcome, job: Job, messages: Messages, outcomes: Outcomes) -> None:
    """Say how good a fit is, or what it failed of."""
    result, error = outcome.result, outcome.error
    if result is not None:
        say_result(result.report, result.field.spec, job, messages)
    if isinstance(error, FitStoppedError):
        messages.detail(
            f"{job.checkpoint}: checkpoint after {error.checkpoint.standing.step} steps"
        )
    elif isinstance(error, PartsStoppedError):
        messages.always(str(error))
    elif isinstance(error, FitNotMeasuredError):
        messages.always(f"{job.target}: finished and saved, but stopped while it was measured")
    if error is not None:
        outcomes.failed(job, error)
    elif result is not None:
        outcomes.done(fit_values(result.report, job))


def _named(job: Job, sentence: str) -> str:
    return sentence if job.source in sentence else f"{job.source}: {sentence}"
