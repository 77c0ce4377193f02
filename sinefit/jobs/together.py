"""Jobs whose fits are made together, as one group."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from sinefit.jobs.running import claimed, keep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.fitting.report import Outcome
    from sinefit.jobs.batch import Batch
    from sinefit.jobs.checkpointed import CheckpointedFit


def run_together(batch: Batch) -> None:
    """Fit all files of a batch as one group.

    Weights are written as soon as their fit is done. A file that cannot be read or written does not
    stop the rest. A group that is stopped leaves a checkpoint of every fit that had begun. Raises,
    before anything is fitted, SettingError for signals whose fits are not alike and InputError for
    weights to begin with that cannot be read.
    """
    with contextlib.ExitStack() as held:
        fits: list[CheckpointedFit] = []
        for job in batch.waiting():
            try:
                fits.append(held.enter_context(claimed(job, batch.settings, batch.hooks)))
            except Exception as error:
                batch.fail(job, error)
        if fits and not batch.hooks.should_stop():
            _fit(fits, batch)


def _fit(fits: Sequence[CheckpointedFit], batch: Batch) -> None:
    """Fit what has been read; fits are known by their place in the sequence."""
    from sinefit.fitting.group import GroupHooks
    from sinefit.fitting.group_plan import plan_together
    from sinefit.fitting.together import run_plans_together

    settings, hooks = batch.settings, batch.hooks
    signals, resume = [fit.signal for fit in fits], [fit.resume for fit in fits]
    plans = plan_together(signals, settings.config, start_from=fits[0].start_from(), resume=resume)

    def end(place: int, outcome: Outcome) -> None:
        job, places = fits[place].job, fits[place].places
        batch.attempt(job, partial(keep, job, places, outcome, hooks))

    with hooks.stoppable(), hooks.fitting_together(fits, plans) as on_progress:
        group = GroupHooks(
            on_progress=on_progress,
            on_fit_progress=lambda place, progress: hooks.on_progress(fits[place].job, progress),
            on_end=end,
            on_checkpoint=lambda place, kept: fits[place].places.save_on_the_way(kept),
            checkpoint_every=settings.checkpoint_every,
            should_stop=hooks.should_stop,
            on_notice=lambda place, sentence: hooks.on_notice(fits[place].job, sentence),
        )
        run_plans_together(signals, plans, group, resume)
