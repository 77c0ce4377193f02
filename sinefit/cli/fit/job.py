"""One fit of the command line: what it says of itself, from its first line to its last."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from sinefit.cli.fit.preview import check_preview_place, make_preview
from sinefit.cli.fit.resume import resume_command
from sinefit.cli.fit.sentences import forecast_words, say_removed, say_result
from sinefit.cli.fit.values import fit_values, progress_values
from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.cli.terminal.streams import read_input
from sinefit.cli.words.amounts import size
from sinefit.cli.words.details import (
    fit_details,
    networks_word,
    start_words,
    training_words,
)
from sinefit.cli.words.quoting import command_line
from sinefit.cli.words.signals import describe_signal
from sinefit.errors import SinefitError
from sinefit.files import is_standard_input
from sinefit.fitting.report import FitNotMeasuredError, FitStoppedError, result_of

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.cli.fit.log import EventCallback
    from sinefit.cli.fit.preview import Preview
    from sinefit.cli.fit.request import FitRequest
    from sinefit.cli.stopping import StopRequest
    from sinefit.cli.terminal.messages import Messages
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult, Outcome, Progress
    from sinefit.jobs.hooks import JobHooks
    from sinefit.jobs.job import Job
    from sinefit.signals.signal import Signal

FORETOLD_FROM: Final = 5.0
"""Seconds from which on it is said beforehand how long a fit will take."""


def fit_job(
    job: Job,
    request: FitRequest,
    messages: Messages,
    stop: StopRequest,
    *,
    resume: Checkpoint | None = None,
    on_event: EventCallback | None = None,
) -> dict[str, Any]:
    """Fit one file, write its weights and return what `--json` tells of it, see `run_job`."""
    with contextlib.ExitStack() as held:
        fit = prepare_fit(job, request, messages, stop, held, resume=resume)
        return fit.tell(fit.complete(stop, on_event))


def prepare_fit(
    job: Job,
    request: FitRequest,
    messages: Messages,
    stop: StopRequest,
    held: contextlib.ExitStack,
    *,
    resume: Checkpoint | None = None,
) -> ToldFit:
    """Do all that comes before a fit: see to its places, its earlier checkpoint and its input.

    Until `held` is closed no other fit writes to the same output.
    """
    from sinefit.jobs.places import claim_output

    hooks = _job_hooks(messages, stop)
    resume = claim_output(job, request, hooks, held, resume=resume)
    if request.preview is not None:
        is_resumed = resume is not None
        check_preview_place(request.preview, force=request.force, is_resumed=is_resumed)
    return ToldFit(job, request, messages, hooks, resume)


def _job_hooks(messages: Messages, stop: StopRequest) -> JobHooks:
    from sinefit.jobs.hooks import JobHooks

    def saved(place: Path, checkpoint: Checkpoint, count: int) -> None:
        messages.detail(
            f"{place}: checkpoint after {checkpoint.standing.step} steps, {size(count)}"
        )

    def read(source: str, **options: Any) -> Signal:
        content = messages.streams.open_input() if is_standard_input(source) else source
        return read_input(content, **options)

    return JobHooks(
        on_notice=messages.warn,
        on_checkpoint=saved,
        on_no_checkpoint=lambda error: messages.always(f"going on without a checkpoint: {error}"),
        on_removed=lambda job, path: say_removed(job, path, messages),
        on_wait=stop.insist,
        read=read,
    )


class ToldFit:
    """A fit that says what it does, on standard error and in events."""

    def __init__(
        self,
        job: Job,
        request: FitRequest,
        messages: Messages,
        hooks: JobHooks,
        resume: Checkpoint | None,
    ) -> None:
        """Read the input; `resume` is a checkpoint to go on from."""
        from sinefit.jobs.checkpointed import CheckpointedFit

        self.job = job
        self.resume = resume
        self.fit = CheckpointedFit(job, request, hooks, resume)
        self._request = request
        self._messages = messages
        self._preview: Preview | None = None

    @property
    def signal(self) -> Signal:
        """What is fitted."""
        return self.fit.signal

    def announce(self, plan: FitPlan) -> None:
        """Say what is going to be fitted, and how."""
        from sinefit.fitting.config import FitConfig
        from sinefit.fitting.omega_choice import NyquistShare, omega_text
        from sinefit.initializers.registry import describe

        config, asked = plan.config, plan.config.omega
        name = plan.spec.source or "signal"
        origin = " (from its spectrum)"
        if isinstance(asked, tuple):
            shares = any(isinstance(factor, NyquistShare) for factor in asked)
            origin = f" ({omega_text(asked)})" if shares else ""
        if self._request.start_from is not None:
            origin = f" (from {self._request.start_from})"
        recipe = None if config.initializer is None else describe(config.initializer)
        start = start_words(config.network, recipe, plan.omega, origin)
        what = "" if config.supervise == "values" else f"its {config.supervise}; "
        self._messages.say(
            f"{name}: {describe_signal(plan.spec)}; {what}{start}, {networks_word(plan)}, "
            f"on {plan.machine.device}"
        )
        if self._messages.verbose:
            for detail in fit_details(plan):
                self._messages.detail(f"{name}: {detail}")
        elif config.recipe != FitConfig.recipe:
            self._messages.say(f"{name}: {training_words(plan)}")
        if self.resume is not None:
            self._messages.say(f"{name}: going on after {self.resume.standing.step} steps")

    def foretell(self, plan: FitPlan) -> str | None:
        """Return about how long a fit will take and what to expect of it.

        None for one of a few seconds, or that only quality ends, and where nothing is to be said.
        """
        from sinefit.fitting.forecast import forecast

        if self._messages.quiet:
            return None
        standing = None if self.resume is None else self.resume.standing
        found = forecast(plan, self.signal, standing)
        if found is None or found.seconds < FORETOLD_FROM:
            return None
        return forecast_words(found, self.signal.spec)

    def complete(self, stop: StopRequest, on_event: EventCallback | None) -> Outcome:
        """Fit and write what that has come to, see `keep`; a signal asks to stop meanwhile."""
        outcome: Outcome
        with stop:
            try:
                outcome = self.run(stop, on_event)
            except SinefitError as error:
                outcome = error
            self.keep(outcome)
        return outcome

    def run(self, stop: StopRequest, on_event: EventCallback | None) -> FitResult:
        """Fit; raises what `fit_signal` does."""
        from sinefit.fitting.hooks import FIELD_EVERY, FitHooks

        plan = self.fit.plan()
        foretold = self.foretell(plan)
        self.announce(plan)
        name = self.signal.spec.source or "signal"
        if foretold is not None:
            self._messages.say(f"{name}: {foretold}")
        with ProgressDisplay(self._messages, name) as display:

            def show(progress: Progress) -> None:
                display.show_fit(progress)
                if on_event is not None:
                    on_event(progress_values(progress, self.job))

            if self._request.preview is not None:
                self._preview = make_preview(
                    self._request.preview, display, self._messages, self._request.preview_every
                )
            hooks = FitHooks(
                on_progress=show,
                should_stop=stop.requested,
                on_notice=self._messages.warn,
                on_field=None if self._preview is None else self._preview.show,
                field_every=FIELD_EVERY if self._preview is None else self._preview.every,
            )
            return self.fit.run(plan, hooks)

    def keep(self, outcome: Outcome) -> None:
        """Write what a fit has come to: its weights, the best of one that diverged, a checkpoint.

        Raises OutputError for what is not where it belongs. A stop ends the command while nobody
        reads the pipe that the weights go to.
        """
        if isinstance(outcome, FitStoppedError):
            self._leave(outcome.checkpoint)
        result = result_of(outcome)
        if result is not None:
            refusal = self.fit.write(result)
            if self._preview is not None:
                self._preview.finish(result.field)
            if refusal is not None:
                raise refusal

    def tell(self, outcome: Outcome) -> dict[str, Any]:
        """Say how good the fit is and return what `--json` tells, or raise what ended it."""
        result = result_of(outcome)
        if result is not None:
            say_result(result.report, result.field.spec, self.job, self._messages)
        if isinstance(outcome, FitNotMeasuredError):
            self._messages.always(
                "stopped while measuring: the weights are finished and saved, but how good they "
                "are is not known; sinefit eval tells it"
            )
        if isinstance(outcome, SinefitError):
            raise outcome
        return fit_values(outcome.report, self.job)

    def _leave(self, checkpoint: Checkpoint) -> None:
        """Keep what a stopped fit has reached, and say how to go on."""
        stopped = f"stopped after {checkpoint.standing.step} steps"
        left = self.fit.leave(checkpoint)
        if self.job.stack is not None:
            return  # the stack tells how to go on
        if left.place is None:
            self._messages.always(f"{stopped}; an output that is a pipe has no checkpoint")
            return
        if left.refusal is not None:
            self._messages.always(f"{left.refusal}; the checkpoint is in {left.place}")
        same = "with the same input " if is_standard_input(self.job.source) else ""
        words = [*resume_command(self.job, self._request, left.place), *self._request.outer]
        self._messages.always(f"{stopped}; {same}go on with: {command_line(words)}")
