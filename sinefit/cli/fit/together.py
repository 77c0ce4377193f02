"""`sinefit fit --together`: many small fits at once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sinefit.cli.fit.job import prepare_fit
from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.errors import SinefitError

if TYPE_CHECKING:
    from sinefit.cli.fit.job import ToldFit
    from sinefit.cli.fit.outcomes import Outcomes
    from sinefit.cli.fit.request import FitRequest
    from sinefit.cli.stopping import StopRequest
    from sinefit.cli.terminal.messages import Messages
    from sinefit.fitting.report import Outcome
    from sinefit.jobs.job import Job


def fit_jobs_together(
    jobs: list[Job],
    request: FitRequest,
    messages: Messages,
    stop: StopRequest,
    outcomes: Outcomes,
) -> None:
    """Fit all files as one group; what each of them tells and leaves is as in a batch.

    Weights are written as soon as their fit is done. A file that cannot be read or written does not
    stop the rest; signals that are not alike do, before anything is fitted. A group that is stopped
    leaves a checkpoint of every fit that had begun, and the same command again goes on with them.
    """
    fits = []
    with contextlib.ExitStack() as held:
        for job in jobs:
            outcomes.begin(job)
            try:
                fits.append(prepare_fit(job, request, messages, stop, held))
            except Exception as error:
                outcomes.failed(job, error)
        if fits:
            _fit(fits, request, messages, stop, outcomes)


def _fit(
    fits: list[ToldFit],
    request: FitRequest,
    messages: Messages,
    stop: StopRequest,
    outcomes: Outcomes,
) -> None:
    from sinefit.fitting.group import GroupHooks, GroupStoppedError
    from sinefit.fitting.group_plan import plan_together
    from sinefit.fitting.together import fit_plans_together

    plans = plan_together(
        [fit.signal for fit in fits],
        request.config,
        start_from=fits[0].fit.start_from(),
        resume=[fit.resume for fit in fits],
    )
    for fit, plan in zip(fits, plans, strict=True):
        if not isinstance(plan, SinefitError):
            fit.announce(plan)
    told: list[Outcome] = []

    def end(number: int, outcome: Outcome) -> None:
        told.append(outcome)
        fit = fits[number]
        try:
            fit.keep(outcome)
            values = fit.tell(outcome)
        except Exception as error:
            outcomes.failed(fit.job, error)
        else:
            outcomes.done(values)

    with stop, ProgressDisplay(messages, f"{len(fits)} files") as display:
        hooks = GroupHooks(
            on_progress=display.show_fit,
            on_fit_progress=lambda number, told: outcomes.progressed(fits[number].job, told),
            on_end=end,
            on_checkpoint=lambda number, checkpoint: fits[number].fit.save_on_the_way(checkpoint),
            checkpoint_every=request.checkpoint_every,
            should_stop=stop.requested,
            on_notice=lambda _number, sentence: messages.warn(sentence),
        )
        try:
            fit_plans_together(
                [fit.signal for fit in fits], plans, hooks, resume=[fit.resume for fit in fits]
            )
        except GroupStoppedError:
            outcomes.stopped(len(fits) - len(told))
        except SinefitError as error:
            if outcomes.is_only or error not in told:
                raise
