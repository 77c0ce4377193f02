"""A fit that keeps a checkpoint beside its output, and may have begun with one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.fields.weights_file import read_field
from sinefit.fitting.loop import make_plan, run_plan
from sinefit.jobs.keeping import JobPlaces

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.hooks import FitHooks
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult
    from sinefit.jobs.hooks import JobHooks
    from sinefit.jobs.job import Job
    from sinefit.jobs.settings import JobSettings
    from sinefit.signals.signal import Signal


class CheckpointedFit:
    """A fit that keeps a checkpoint beside its output, and may have begun with one."""

    def __init__(
        self,
        job: Job,
        settings: JobSettings,
        hooks: JobHooks,
        signal: Signal,
        resume: Checkpoint | None = None,
        *,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare to fit what was read; `resume` is a checkpoint to go on from.

        `origin` is as in `JobPlaces`.
        """
        self.job = job
        self.signal = signal
        self.resume = resume
        self._settings = settings
        self._hooks = hooks
        self.places = JobPlaces(job, settings, hooks, resume, origin=origin)

    def tell_notices(self) -> None:
        """Tell what reading the input has lost or changed."""
        for notice in self.signal.notices:
            self._hooks.on_notice(self.job, notice)

    def start_from(self) -> Field | None:
        """Return the field that the fit begins with, where it begins with one."""
        name = self._settings.start_from
        return None if name is None else read_field(Path(name))

    def plan(self) -> FitPlan:
        """Decide everything about the fit; raises what `make_plan` does."""
        config = self._settings.config
        return make_plan(self.signal, config, start_from=self.start_from(), resume=self.resume)

    def run(self, plan: FitPlan, hooks: FitHooks) -> FitResult:
        """Fit, with checkpoints on the way; raises what `fit_signal` does."""
        has_place = self.job.checkpoint is not None
        hooks = dataclasses.replace(
            hooks,
            on_checkpoint=self.places.save_on_the_way if has_place else None,
            checkpoint_every=self._settings.checkpoint_every,
        )
        return run_plan(self.signal, plan, hooks, self.resume)
