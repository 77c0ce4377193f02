"""A job done to its end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sinefit.errors import SinefitError
from sinefit.fitting.report import FitStoppedError, result_of
from sinefit.jobs.hooks import JobHooks
from sinefit.jobs.places import claim_output
from sinefit.jobs.reading import read_input

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.report import FitResult, Outcome
    from sinefit.jobs.checkpointed import CheckpointedFit
    from sinefit.jobs.job import Job
    from sinefit.jobs.keeping import JobPlaces
    from sinefit.jobs.settings import JobSettings


def run_job(
    job: Job,
    settings: JobSettings,
    hooks: JobHooks | None = None,
    *,
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
    with claimed(job, settings, hooks, resume) as fit:
        return complete(fit, hooks)


@contextlib.contextmanager
def claimed(
    job: Job, settings: JobSettings, hooks: JobHooks, resume: Checkpoint | None = None
) -> Iterator[CheckpointedFit]:
    """Give the fit of a job, its input read, whose places no other takes until the block ends.

    Raises what `claim_output` does, and InputError for an input that cannot be read.
    """
    with contextlib.ExitStack() as held:
        resume = claim_output(job, settings, hooks, held, resume=resume)
        signal = read_input(job, settings, hooks)
        # Loads torch, which takes seconds that no error of an input need wait.
        from sinefit.jobs.checkpointed import CheckpointedFit

        fit = CheckpointedFit(job, settings, hooks, signal, resume)
        fit.tell_notices()
        yield fit


def complete(fit: CheckpointedFit, hooks: JobHooks) -> FitResult:
    """Make a fit and keep what it comes to, see `run_job`."""
    with hooks.stoppable():
        outcome: Outcome
        try:
            plan = fit.plan()
            with hooks.fitting(fit, plan) as fit_hooks:
                outcome = fit.run(plan, fit_hooks)
        except SinefitError as error:
            outcome = error
        return keep(fit.job, fit.places, outcome, hooks)


def keep(job: Job, places: JobPlaces, outcome: FitResult | Exception, hooks: JobHooks) -> FitResult:
    """Write what a fit has come to, and return its result or raise what ended it, as `run_job`."""
    result = result_of(outcome)
    left = None
    if isinstance(outcome, FitStoppedError):
        left = places.leave(outcome.checkpoint)
    elif result is not None:
        left = places.write(result)
    if left is not None:
        hooks.on_kept(job, outcome, left)
        if result is not None and left.refusal is not None:
            raise left.refusal
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
