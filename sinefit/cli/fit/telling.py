"""What the command line says of its fits, from the first line of one to its last."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from sinefit.cli.fit.preview import check_preview_place, make_preview
from sinefit.cli.fit.resume import resume_command
from sinefit.cli.fit.sentences import announce, foretell, say_removed, say_result
from sinefit.cli.fit.values import fit_values
from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.cli.terminal.streams import read_input
from sinefit.cli.words.amounts import size
from sinefit.cli.words.quoting import command_line
from sinefit.errors import SinefitError
from sinefit.files import is_standard_input
from sinefit.fitting.hooks import FIELD_EVERY, FitHooks
from sinefit.fitting.report import FitNotMeasuredError, FitStoppedError, result_of
from sinefit.jobs.hooks import JobHooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sinefit.cli.fit.outcomes import Outcomes
    from sinefit.cli.fit.preview import Preview
    from sinefit.cli.fit.request import FitRequest
    from sinefit.cli.stopping import StopRequest
    from sinefit.cli.terminal.messages import Messages
    from sinefit.errors import OutputError
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult, Progress
    from sinefit.jobs.hooks import JobFit
    from sinefit.jobs.job import Job
    from sinefit.jobs.outcome import JobOutcome, Left
    from sinefit.signals.signal import Signal


class Telling(JobHooks):
    """Says what becomes of fits, on standard error and in events; signals stop them."""

    def __init__(
        self, request: FitRequest, messages: Messages, stop: StopRequest, outcomes: Outcomes
    ) -> None:
        self.messages = messages
        self.outcomes = outcomes
        self.more: dict[Job, dict[str, Any]] = {}
        """What `--json` tells of a job besides its fit."""
        self._request = request
        self._stop = stop
        self._preview: Preview | None = None

    def should_stop(self) -> bool:
        """Tell whether a signal has asked to stop."""
        return self._stop.requested()

    def stoppable(self) -> StopRequest:
        """Have signals ask to stop, which end the command at once anywhere else."""
        return self._stop

    def read(self, source: str, **options: Any) -> Signal:
        """Read an input, which may be a pipe."""
        content = self.messages.streams.open_input() if is_standard_input(source) else source
        return read_input(content, **options)

    def on_begin(self, job: Job) -> None:
        """Tell that a job begins."""
        self.outcomes.begin(job)

    def on_claimed(self, _job: Job, resume: Checkpoint | None) -> None:
        """See to the place of the preview."""
        preview, force = self._request.preview, self._request.force
        if preview is not None:
            check_preview_place(preview, force=force, is_resumed=resume is not None)

    def on_notice(self, _job: Job, sentence: str) -> None:
        """Say what is lost or changed."""
        self.messages.warn(sentence)

    def on_removed(self, job: Job, place: Path) -> None:
        """Say that the checkpoint of a fit that is done was removed."""
        say_removed(job, place, self.messages)

    def on_progress(self, job: Job, progress: Progress) -> None:
        """Tell how far a fit is."""
        self.outcomes.progressed(job, progress)

    def on_checkpoint(self, _job: Job, place: Path, checkpoint: Checkpoint) -> None:
        """Say that a checkpoint was written."""
        steps, count = checkpoint.standing.step, size(place.stat().st_size)
        self.messages.detail(f"{place}: checkpoint after {steps} steps, {count}")

    def on_no_checkpoint(self, _job: Job, error: OutputError) -> None:
        """Say that a fit goes on without checkpoints."""
        self.messages.always(f"going on without a checkpoint: {error}")

    def on_wait(self) -> None:
        """End the command, once asked to, while nobody reads the pipe that the weights go to."""
        self._stop.insist()

    def on_kept(self, job: Job, outcome: FitResult | Exception, left: Left) -> None:
        """Say how good a fit is, or how to go on with one that was stopped."""
        result = result_of(outcome)
        if isinstance(outcome, FitStoppedError):
            self.say_left(job, outcome.checkpoint, left)
        if result is not None:
            if self._preview is not None:
                self._preview.finish(result.field)
            if left.refusal is None:
                say_result(result.report, result.field.spec, job, self.messages)
        if isinstance(outcome, FitNotMeasuredError) and left.refusal is None:
            self.say_not_measured(job)

    def on_end(self, job: Job, outcome: JobOutcome) -> None:
        """Tell machines what became of a job, and people of what failed."""
        if outcome.error is not None:
            self.outcomes.failed(job, outcome.error)
        elif outcome.result is not None:
            values = fit_values(outcome.result.report, job)
            self.outcomes.done({**values, **self.more.get(job, {})})

    @contextlib.contextmanager
    def fitting(self, fit: JobFit, plan: FitPlan) -> Iterator[FitHooks]:
        """Say what is going to be fitted and show how far it is."""
        request, messages = self._request, self.messages
        foretold = foretell(fit, plan, messages)
        announce(fit, plan, request, messages)
        name = fit.signal.spec.source or "signal"
        if foretold is not None:
            messages.say(f"{name}: {foretold}")
        with ProgressDisplay(messages, name) as display:

            def show(progress: Progress) -> None:
                display.show_fit(progress)
                self.on_progress(fit.job, progress)

            self._preview = None
            if request.preview is not None:
                every = request.preview_every
                self._preview = make_preview(request.preview, display, messages, every)
            yield FitHooks(
                on_progress=show,
                should_stop=self.should_stop,
                on_notice=messages.warn,
                on_field=None if self._preview is None else self._preview.show,
                field_every=FIELD_EVERY if self._preview is None else self._preview.every,
            )

    @contextlib.contextmanager
    def fitting_together(
        self, fits: Sequence[JobFit], plans: Sequence[FitPlan | SinefitError]
    ) -> Iterator[Callable[[Progress], None]]:
        """Say what is going to be fitted and show how far all of it is."""
        for fit, plan in zip(fits, plans, strict=True):
            if not isinstance(plan, SinefitError):
                announce(fit, plan, self._request, self.messages)
        with ProgressDisplay(self.messages, f"{len(fits)} files") as display:
            yield display.show_fit

    def say_left(self, job: Job, checkpoint: Checkpoint, left: Left) -> None:
        """Say where the checkpoint of a stopped fit is and how to go on."""
        if job.stack is not None:
            return  # the stack tells how to go on
        messages, request = self.messages, self._request
        stopped = f"stopped after {checkpoint.standing.step} steps"
        if left.place is None:
            messages.always(f"{stopped}; an output that is a pipe has no checkpoint")
            return
        if left.refusal is not None:
            messages.always(f"{left.refusal}; the checkpoint is in {left.place}")
        same = "with the same input " if is_standard_input(job.source) else ""
        words = [*resume_command(job, request, left.place), *request.outer]
        messages.always(f"{stopped}; {same}go on with: {command_line(words)}")

    def say_not_measured(self, _job: Job) -> None:
        """Say that a fit was stopped while it was measured."""
        self.messages.always(
            "stopped while measuring: the weights are finished and saved, but how good they "
            "are is not known; sinefit eval tells it"
        )

    def say_stopped(self, left: int, not_begun: Sequence[Job]) -> None:
        """Say what else a batch had to do that was stopped, and that `left` fits were on the way.

        Each of those has said how to go on with it.
        """
        if not left:
            self.messages.always(f"stopped before {not_begun[0].source}")
        elif not_begun:
            self.messages.always(f"not begun: {len(not_begun)} more")
