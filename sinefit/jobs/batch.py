"""Many jobs, of which a failure does not stop the rest, and how they are run one by one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from sinefit.jobs.hooks import JobHooks
from sinefit.jobs.outcome import JobOutcome, failed, outcome_of
from sinefit.jobs.running import run_job
from sinefit.jobs.stale import remove_finished_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.report import FitResult
    from sinefit.jobs.job import Job
    from sinefit.jobs.settings import JobSettings


class Batch:
    """Jobs on their way: which of them are to be done, and what became of the others.

    A runner asks for jobs as it comes to them, and says of each how it has ended.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        settings: JobSettings,
        hooks: JobHooks,
        *,
        skip_existing: bool = False,
    ) -> None:
        self.jobs = list(jobs)
        self.settings = settings
        self.hooks = hooks
        self._skip_existing = skip_existing
        self._ended: dict[Job, JobOutcome] = {}

    @property
    def outcomes(self) -> list[JobOutcome]:
        """What became of each job that has ended, in their order."""
        return [self._ended[job] for job in self.jobs if job in self._ended]

    def waiting(self, jobs: Iterable[Job] | None = None) -> Iterator[Job]:
        """Yield the jobs, or some of them, that are to be done; no more once asked to stop."""
        for job in self.jobs if jobs is None else jobs:
            if self.hooks.should_stop():
                return
            if self._skip_existing and job.has_output:
                self.end(job, left_out(job, self.hooks))
                continue
            self.hooks.on_begin(job)
            yield job

    def attempt(self, job: Job, fit: Callable[[], FitResult]) -> JobOutcome:
        """End a job as a call does that makes its fit or fails; return what that came to."""
        return self.end(job, outcome_of(job, fit))

    def fail(self, job: Job, error: Exception) -> JobOutcome:
        """End a job by an error; raises one that is a bug."""
        return self.end(job, failed(job, error))

    def end(self, job: Job, outcome: JobOutcome) -> JobOutcome:
        """Note what became of a job, and return it."""
        self._ended[job] = outcome
        self.hooks.on_end(job, outcome)
        return outcome


class Runner(Protocol):
    """A way to do the jobs of a batch."""

    def __call__(self, batch: Batch, /) -> None:
        """Do what is `waiting` in a batch, and end each of it."""


def run_batch(
    jobs: Iterable[Job],
    settings: JobSettings,
    runner: Runner | None = None,
    hooks: JobHooks | None = None,
    *,
    skip_existing: bool = False,
) -> list[JobOutcome]:
    """Fit files, one by one or as a runner does; return what became of each that was begun.

    The outcomes are in the order of the jobs. A failure that a person can do something about does
    not stop the rest. A batch that is stopped has fewer outcomes than jobs, or some whose error is
    that they were stopped. `skip_existing` leaves out what has its output by then.
    """
    batch = Batch(jobs, settings, hooks or JobHooks(), skip_existing=skip_existing)
    (runner or run_in_turn)(batch)
    return batch.outcomes


def run_in_turn(
    batch: Batch, *, do: Callable[..., FitResult] = run_job, resume: Checkpoint | None = None
) -> None:
    """Do one job after the other, each as `run_job` does; a fit that is stopped ends the batch.

    `resume` is the checkpoint that the only job goes on from, if it was named.
    """
    for job in batch.waiting():
        one = partial(do, job, batch.settings, batch.hooks, resume=resume)
        if batch.attempt(job, one).is_stopped:
            return


def left_out(job: Job, hooks: JobHooks) -> JobOutcome:
    """Return the outcome of a job that has its output; what is left of its fit is removed."""
    removed = remove_finished_checkpoint(job)
    if removed is not None:
        hooks.on_removed(job, removed)
    return JobOutcome(job.source, job.shown)
