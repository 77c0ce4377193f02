"""Jobs done to their end: one, or many of which a failure does not stop the rest."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import torch

from sinefit.errors import SinefitError
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.report import FitStoppedError, Stopped, result_of
from sinefit.jobs.checkpointed import CheckpointedFit
from sinefit.jobs.hooks import JobHooks
from sinefit.jobs.places import claim_output
from sinefit.jobs.stale import remove_finished_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sinefit.errors import OutputError
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.report import FitResult, Outcome
    from sinefit.jobs.job import Job
    from sinefit.jobs.keeping import Left
    from sinefit.jobs.settings import JobSettings


FAILURES: Final = (MemoryError, OSError, torch.OutOfMemoryError)
"""What a person can do something about, besides the errors that sinefit raises."""


@dataclass(frozen=True)
class JobOutcome:
    """What became of one file of many."""

    source: str
    """The input's name."""
    target: str
    """The weights file's name."""
    result: FitResult | None = None
    """The field and the report; of a fit that diverged, those of its best weights; None for a file
    that failed before, that was left out as it has its weights, or whose fit was stopped."""
    error: Exception | None = None
    """What failed; None for a file that did not."""


def run_job(
    job: Job,
    settings: JobSettings,
    fit_hooks: FitHooks | None = None,
    *,
    hooks: JobHooks | None = None,
    resume: Checkpoint | None = None,
) -> FitResult:
    """Fit one file, write its weights and return the result.

    An earlier checkpoint of the same fit beside the output is taken up. A fit that is stopped
    leaves a checkpoint and raises FitStoppedError; one that is stopped while it is measured leaves
    its weights and raises FitNotMeasuredError; one that diverges raises FitDivergedError once its
    best weights are written. Raises also what `claim_output` and `fit_signal` do, and OutputError
    for weights that their place does not take, which tells the other place that has them.
    """
    hooks = hooks or JobHooks()
    with contextlib.ExitStack() as held:
        resume = claim_output(job, settings, hooks, held, resume=resume)
        fit = CheckpointedFit(job, settings, hooks, resume)
        outcome: Outcome
        try:
            outcome = fit.run(fit.plan(), fit_hooks or FitHooks())
        except SinefitError as error:
            outcome = error
        return keep(fit, outcome, hooks)


class Keeper(Protocol):
    """Writes what a fit has come to, see `CheckpointedFit`."""

    def write(self, result: FitResult) -> OutputError | None:
        """Write the weights and remove the checkpoint."""

    def leave(self, checkpoint: Checkpoint) -> Left:
        """Keep what a stopped fit has reached."""


def keep(fit: Keeper, outcome: Outcome, hooks: JobHooks) -> FitResult:
    """Write what a fit has come to, and return its result or raise what ended it, as `run_job`."""
    if isinstance(outcome, FitStoppedError):
        left = fit.leave(outcome.checkpoint)
        if left.refusal is not None:
            hooks.on_notice(f"{left.refusal}; the checkpoint is in {left.place}")
    result = result_of(outcome)
    refusal = None if result is None else fit.write(result)
    if refusal is not None:
        raise refusal
    if isinstance(outcome, SinefitError):
        raise outcome
    return outcome


def run_jobs(
    jobs: Iterable[Job],
    settings: JobSettings,
    hooks_for: Callable[[Job], FitHooks] | None = None,
    *,
    hooks: JobHooks | None = None,
    skip_existing: bool = False,
    on_end: Callable[[JobOutcome], None] | None = None,
) -> list[JobOutcome]:
    """Fit one file after the other; return what became of each that was begun, in their order.

    A failure that a person can do something about does not stop the rest. A fit that is stopped
    ends the batch: the error of the last outcome is then FitStoppedError or FitNotMeasuredError.
    """
    hooks = hooks or JobHooks()
    outcomes: list[JobOutcome] = []
    for job in jobs:
        fit_hooks = FitHooks() if hooks_for is None else hooks_for(job)
        if fit_hooks.should_stop is not None and fit_hooks.should_stop():
            break
        if skip_existing and job.has_output:
            outcome = left_out(job, hooks)
        else:
            outcome = outcome_of(job, partial(run_job, job, settings, fit_hooks, hooks=hooks))
        outcomes.append(outcome)
        if on_end is not None:
            on_end(outcome)
        if isinstance(outcome.error, Stopped):
            break
    return outcomes


def left_out(job: Job, hooks: JobHooks) -> JobOutcome:
    """Return the outcome of a job that has its weights; what is left of its fit is removed."""
    removed = remove_finished_checkpoint(job)
    if removed is not None:
        hooks.on_removed(job, removed)
    return JobOutcome(job.source, job.shown)


def outcome_of(job: Job, fit: Callable[[], FitResult]) -> JobOutcome:
    """Return what becomes of a job whose fit is made by a call, which may fail."""
    try:
        result = fit()
    except SinefitError as error:
        return JobOutcome(job.source, job.shown, result_of(error), error)
    except FAILURES as error:
        return JobOutcome(job.source, job.shown, None, error)
    return JobOutcome(job.source, job.shown, result)
