"""Jobs whose fits are made together, as one group."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from sinefit.errors import SinefitError
from sinefit.fitting.group import GroupHooks, GroupStoppedError
from sinefit.fitting.group_plan import plan_together
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.together import fit_plans_together
from sinefit.jobs.checkpointed import CheckpointedFit
from sinefit.jobs.hooks import JobHooks
from sinefit.jobs.places import claim_output
from sinefit.jobs.running import FAILURES, JobOutcome, keep, left_out, outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sinefit.fitting.report import Outcome, Progress
    from sinefit.jobs.job import Job
    from sinefit.jobs.settings import JobSettings


def run_jobs_together(
    jobs: Iterable[Job],
    settings: JobSettings,
    hooks_for: Callable[[Job], FitHooks] | None = None,
    *,
    hooks: JobHooks | None = None,
    skip_existing: bool = False,
    on_end: Callable[[JobOutcome], None] | None = None,
) -> list[JobOutcome]:
    """Fit all files as one group; return what became of each that was begun, in their order.

    Weights are written as soon as their fit is done. A file that cannot be read or written does not
    stop the rest. A group that is stopped leaves a checkpoint of every fit that had begun. Of the
    hooks for a job, those for progress, stopping and notices are called, one at a time, from any
    thread. Raises, before anything is fitted, SettingError for signals whose fits are not alike and
    InputError for weights to begin with that cannot be read.
    """
    hooks = hooks or JobHooks()
    asked = list(jobs)
    fit_hooks = [FitHooks() if hooks_for is None else hooks_for(job) for job in asked]
    ended: dict[int, JobOutcome] = {}
    # Often one for all, which need not be asked more than once.
    stops = {id(one.should_stop): one.should_stop for one in fit_hooks}

    def should_stop() -> bool:
        return any(stop is not None and stop() for stop in stops.values())

    def end(number: int, outcome: JobOutcome) -> None:
        ended[number] = outcome
        if on_end is not None:
            on_end(outcome)

    numbers: list[int] = []
    fits: list[CheckpointedFit] = []
    with contextlib.ExitStack() as held:
        for number, job in enumerate(asked):
            if should_stop():
                break
            if skip_existing and job.has_output:
                end(number, left_out(job, hooks))
                continue
            try:
                resume = claim_output(job, settings, hooks, held)
                fits.append(CheckpointedFit(job, settings, hooks, resume))
            except (SinefitError, *FAILURES) as error:
                end(number, JobOutcome(job.source, job.shown, None, error))
            else:
                numbers.append(number)
        if fits and not should_stop():
            _run(
                fits,
                settings,
                [fit_hooks[number] for number in numbers],
                hooks,
                should_stop,
                lambda place, outcome: end(numbers[place], outcome),
            )
    return [ended[number] for number in sorted(ended)]


def _run(
    fits: Sequence[CheckpointedFit],
    settings: JobSettings,
    fit_hooks: Sequence[FitHooks],
    hooks: JobHooks,
    should_stop: Callable[[], bool],
    on_end: Callable[[int, JobOutcome], None],
) -> None:
    """Fit what has been read; fits are known by their place in the sequence."""
    signals, resume = [fit.signal for fit in fits], [fit.resume for fit in fits]
    plans = plan_together(signals, settings.config, start_from=fits[0].start_from(), resume=resume)
    told: list[Outcome] = []

    def end(place: int, outcome: Outcome) -> None:
        told.append(outcome)
        fit = fits[place]
        on_end(place, outcome_of(fit.job, partial(keep, fit, outcome, hooks)))

    def show(place: int, progress: Progress) -> None:
        on_progress = fit_hooks[place].on_progress
        if on_progress is not None:
            on_progress(progress)

    def notice(place: int, sentence: str) -> None:
        on_notice = fit_hooks[place].on_notice
        if on_notice is not None:
            on_notice(sentence)

    group = GroupHooks(
        on_fit_progress=show,
        on_end=end,
        on_checkpoint=lambda place, checkpoint: fits[place].save_on_the_way(checkpoint),
        checkpoint_every=settings.checkpoint_every,
        should_stop=should_stop,
        on_notice=notice,
    )
    try:
        fit_plans_together(signals, plans, group, resume)
    except GroupStoppedError:
        return  # each fit that had begun has told of itself
    except SinefitError as error:
        if error not in told:
            raise
