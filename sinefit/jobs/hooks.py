"""What a caller wants to hear of jobs, and how it stops them."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.report import FitStoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sinefit.errors import OutputError, SinefitError
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult, Progress
    from sinefit.jobs.job import Job
    from sinefit.jobs.outcome import JobOutcome, Left
    from sinefit.signals.signal import Signal


class JobFit(Protocol):
    """The fit of a job whose input is read."""

    @property
    def job(self) -> Job:
        """What it is of."""

    @property
    def signal(self) -> Signal:
        """What is fitted."""

    @property
    def resume(self) -> Checkpoint | None:
        """What it goes on from, if it does."""


class JobHooks:
    """What a caller wants to hear of jobs, and how it stops them: methods to override.

    None of them need do anything; what is lost or changed comes to `on_notice`, unless the method
    of its own is overridden. They are called one at a time, of fits that are made together by any
    thread. One that raises ends the batch.
    """

    def should_stop(self) -> bool:
        """Tell whether to stop; asked several times a second. Every fit leaves a checkpoint."""
        return False

    def stoppable(self) -> AbstractContextManager[object]:
        """Surround what leaves something behind, to go on with, when it is stopped."""
        return contextlib.nullcontext()

    def read(self, source: str, **options: Any) -> Signal:
        """Read an input by its name, with the options of `read_signal`."""
        from sinefit.signals.reading import read_signal

        return read_signal(source, **options)

    def on_begin(self, job: Job) -> None:
        """Hear that a job begins."""

    def on_claimed(self, job: Job, resume: Checkpoint | None) -> None:
        """Hear that a job's places are its own, and what its fit goes on from."""

    def on_notice(self, job: Job, sentence: str) -> None:
        """Hear of something lost or changed."""

    def on_removed(self, job: Job, place: Path) -> None:
        """Hear of a checkpoint that was removed, since the job's output is finished."""
        self.on_notice(job, f"{place}: removed, since {job.target} is finished")

    def on_progress(self, job: Job, progress: Progress) -> None:
        """Hear how far a fit is, every few steps and while its field is measured."""

    def on_checkpoint(self, job: Job, place: Path, checkpoint: Checkpoint) -> None:
        """Hear of a checkpoint that was written."""

    def on_no_checkpoint(self, job: Job, error: OutputError) -> None:
        """Hear, once, that a fit goes on without checkpoints, as they cannot be written."""
        self.on_notice(job, f"going on without a checkpoint: {error}")

    def on_wait(self) -> None:
        """Be asked, while the reader of a pipe keeps the weights waiting; raising ends that."""

    def on_kept(self, job: Job, outcome: FitResult | Exception, left: Left) -> None:
        """Hear how a fit has ended once its weights, or the checkpoint it leaves, are written."""
        if isinstance(outcome, FitStoppedError) and left.refusal is not None:
            self.on_notice(job, f"{left.refusal}; the checkpoint is in {left.place}")

    def on_end(self, job: Job, outcome: JobOutcome) -> None:
        """Hear what became of a job."""

    def fitting(self, fit: JobFit, plan: FitPlan) -> AbstractContextManager[FitHooks]:  # noqa: ARG002
        """Surround one fit, from its plan to its result."""
        return contextlib.nullcontext(
            FitHooks(
                on_progress=partial(self.on_progress, fit.job),
                on_notice=partial(self.on_notice, fit.job),
                should_stop=self.should_stop,
            )
        )

    def fitting_together(
        self,
        fits: Sequence[JobFit],  # noqa: ARG002
        plans: Sequence[FitPlan | SinefitError],  # noqa: ARG002
    ) -> AbstractContextManager[Callable[[Progress], None] | None]:
        """Surround fits that are made together; give what hears of all of them at once."""
        return contextlib.nullcontext()
