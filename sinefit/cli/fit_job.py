"""One fit of the command line: read, resume, fit, write, report."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sinefit.cli.console import size
from sinefit.cli.details import fit_details
from sinefit.cli.jobs import check_source
from sinefit.cli.preview import check_preview_place, make_preview
from sinefit.cli.progress import ProgressDisplay
from sinefit.cli.quoting import command_line
from sinefit.cli.reports import (
    describe_signal,
    forecast_words,
    progress_values,
    report_values,
    say_report,
)
from sinefit.cli.resume import (
    CHECKPOINT_EVERY,
    check_command,
    check_start,
    origin_of,
    read_checkpoint,
    resume_command,
)
from sinefit.cli.stale import remove_finished_checkpoint
from sinefit.cli.streams import is_standard_input, read_input, standard_input
from sinefit.errors import InputError, OutputError, OutputExistsError, SinefitError
from sinefit.fields.metadata import SUFFIX
from sinefit.files import check_output, is_stream, locked, write_bytes, write_elsewhere
from sinefit.fitting.report import FitNotMeasuredError, FitStoppedError, result_of
from sinefit.signals.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from sinefit.cli.console import Messages
    from sinefit.cli.jobs import Job
    from sinefit.cli.preview import Preview
    from sinefit.cli.records import RecordCallback
    from sinefit.cli.stopping import StopRequest
    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult, Outcome, Progress
    from sinefit.signals.limits import Limits
    from sinefit.signals.selection import Selection
    from sinefit.signals.signal import Kind, Signal

FORETOLD_FROM: Final = 5.0
"""Seconds from which on it is said beforehand how long a fit will take."""


@dataclass(frozen=True)
class FitRequest:
    """What a command line asks for of each of its files."""

    config: FitConfig
    selection: Selection
    kind: Kind | None = None
    input_format: str | None = None
    sound: bool = True
    limits: Limits = DEFAULT_LIMITS
    start_from: str | None = None
    force: bool = False
    checkpoint_every: float = CHECKPOINT_EVERY
    preview: str | None = None
    """"terminal" or the name of a PNG."""
    outer: tuple[str, ...] = ()
    """Words of the command line that change what is told and not what is fitted."""


def fit_job(
    job: Job,
    request: FitRequest,
    messages: Messages,
    stop: StopRequest,
    *,
    resume: Checkpoint | None = None,
    on_record: RecordCallback | None = None,
) -> dict[str, Any]:
    """Fit one file, write its weights and return the final report.

    An earlier checkpoint of the same fit beside the output is taken up. A fit that is stopped
    leaves a checkpoint and raises FitStoppedError; one that is stopped while it is measured leaves
    its weights and raises FitNotMeasuredError; one that diverges raises FitDivergedError once its
    best weights are written.
    """
    outcome: Outcome
    with contextlib.ExitStack() as held:
        fit = prepare_fit(job, request, messages, held, resume=resume)
        with stop:
            try:
                outcome = fit.run(stop, on_record)
            except SinefitError as error:
                outcome = error
            fit.keep(outcome, stop)
        return fit.report(outcome)


def prepare_fit(
    job: Job,
    request: FitRequest,
    messages: Messages,
    held: contextlib.ExitStack,
    *,
    resume: Checkpoint | None = None,
) -> CheckpointedFit:
    """Do all that comes before a fit: see to its places, its earlier checkpoint and its input.

    Until `held` is closed no other fit of the command line writes to the same output.
    """
    check_source(job.source)
    _check_content(job.source, request)
    _make_folder(job)
    is_locked = job.checkpoint is None or held.enter_context(locked(job.target, suffix=SUFFIX))
    try:
        _check_places(job, request)
    except OutputExistsError:
        if resume is None:
            remove_finished_checkpoint(job, messages)
        raise
    if not is_locked:
        messages.warn(f"{job.target}: it cannot be locked here: let no other fit write it")
    if resume is None:
        resume = _left_behind(job, request)
    if resume is not None:
        check_command(resume, request)
    if request.preview is not None:
        is_resumed = resume is not None
        check_preview_place(request.preview, force=request.force, is_resumed=is_resumed)
    return CheckpointedFit(job, _read(job.source, request, messages), request, messages, resume)


def _check_content(source: str, request: FitRequest) -> None:
    """Raise InputError for a file that is no signal, before anything is said about its output."""
    from sinefit.signals.sniffing import detect

    if request.input_format is not None or not Path(source).is_file() or is_stream(source):
        return
    # What cannot be opened is explained by whoever reads it next.
    with contextlib.suppress(OSError), Path(source).open("rb") as file:
        detect(file, source)


def _make_folder(job: Job) -> None:
    """Make the output folder where the job wants it made; raises OutputError if it cannot be."""
    if job.makes_folder:
        folder = Path(job.target).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot make this folder: {error.strerror}") from error


def _check_places(job: Job, request: FitRequest) -> None:
    """Raise OutputError for a place that cannot be written to."""
    check_output(job.target, force=request.force, source=job.source)
    if job.checkpoint is not None:
        check_output(job.checkpoint, force=True, source=job.source)


def _read(source: str, request: FitRequest, messages: Messages) -> Signal:
    signal = read_input(
        standard_input() if is_standard_input(source) else source,
        kind=request.kind,
        format=request.input_format,
        selection=request.selection,
        limits=request.limits,
    )
    if signal.spec.sample_count == 0:
        raise InputError(f"{source}: it has no samples, so there is nothing to fit")
    for notice in signal.notices:
        messages.warn(notice)
    if not request.sound:
        spec = dataclasses.replace(signal.spec, soundtrack=None)
        signal = dataclasses.replace(signal, spec=spec)
    return signal


def _left_behind(job: Job, request: FitRequest) -> Checkpoint | None:
    """Return the checkpoint that an interrupted run of the same command left, if there is one."""
    path = job.checkpoint
    if path is None or request.force or not path.is_file():
        return None
    try:
        checkpoint = read_checkpoint(path)
    except InputError as error:
        raise InputError(f"{error}; --force starts over") from error
    check_start(checkpoint, request)
    return checkpoint


class CheckpointedFit:
    """A fit that keeps a checkpoint beside its output, and may have begun with one."""

    def __init__(
        self,
        job: Job,
        signal: Signal,
        request: FitRequest,
        messages: Messages,
        resume: Checkpoint | None,
    ) -> None:
        self.job = job
        self.signal = signal
        self.resume = resume
        self._request = request
        self._messages = messages
        self._origin = origin_of(job, request)
        if resume is not None:
            self._origin["start_from"] = resume.origin.get("start_from")
        self._goes_to_file = job.checkpoint is not None
        self._has_warned = False
        self._preview: Preview | None = None

    def start_from(self) -> Field | None:
        """Return the field that the fit begins with, where it begins with one."""
        from sinefit.fields.weights_file import read_field

        request = self._request
        return None if request.start_from is None else read_field(Path(request.start_from))

    def announce(self, plan: FitPlan) -> None:
        """Say what is going to be fitted, and how."""
        from sinefit.fitting.omega_choice import NyquistShare, omega_text
        from sinefit.initializers.registry import describe

        config, asked = plan.config, plan.config.omega
        name = plan.spec.source or "signal"
        origin = " (from its spectrum)" if asked is None else ""
        if asked is not None and any(isinstance(factor, NyquistShare) for factor in asked):
            origin = f" ({omega_text(asked)})"
        if self._request.start_from is not None:
            origin = f" (from {self._request.start_from})"
        omega = ",".join(f"{factor:.4g}" for factor in plan.omega)
        self._messages.say(
            f"{name}: {describe_signal(plan.spec)}; {describe(config.initializer)}, "
            f"omega {omega}{origin}, on {plan.machine.device}"
        )
        if self._messages.verbose:
            for detail in fit_details(plan):
                self._messages.detail(f"{name}: {detail}")
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

    def run(self, stop: StopRequest, on_record: RecordCallback | None) -> FitResult:
        """Fit; raises what `fit_signal` does."""
        from sinefit.fitting.hooks import FIELD_EVERY, FitHooks
        from sinefit.fitting.loop import make_plan, run_plan

        request, signal = self._request, self.signal
        plan = make_plan(signal, request.config, start_from=self.start_from(), resume=self.resume)
        foretold = self.foretell(plan)
        self.announce(plan)
        name = signal.spec.source or "signal"
        if foretold is not None:
            self._messages.say(f"{name}: {foretold}")
        with ProgressDisplay(self._messages, name) as display:

            def show(progress: Progress) -> None:
                display.show_fit(progress)
                if on_record is not None:
                    on_record(progress_values(progress, self.job))

            if request.preview is not None:
                self._preview = make_preview(request.preview, display, self._messages)
            hooks = FitHooks(
                on_progress=show,
                on_checkpoint=None if self.job.checkpoint is None else self.save_on_the_way,
                checkpoint_every=request.checkpoint_every,
                should_stop=stop.requested,
                on_notice=self._messages.warn,
                on_field=None if self._preview is None else self._preview.show,
                field_every=FIELD_EVERY if self._preview is None else self._preview.every,
            )
            return run_plan(signal, plan, hooks, self.resume)

    def keep(self, outcome: Outcome, stop: StopRequest) -> None:
        """Write what a fit has come to: its weights, the best of one that diverged, a checkpoint.

        Raises OutputError for what cannot be written. A stop ends the command while nobody reads
        the pipe that the weights go to.
        """
        if isinstance(outcome, FitStoppedError):
            self.leave(outcome.checkpoint)
        result = result_of(outcome)
        if result is not None:
            content = _encoded(result, self._request.config)
            force = self._request.force
            refusal: OutputError | None = None
            try:
                write_bytes(self.job.target, content, force=force, on_wait=stop.insist)
            except OutputError as error:
                kept = self._kept_elsewhere(self.job.target, content)
                if kept is None:
                    raise
                refusal = OutputError(f"{error}; the finished weights are in {kept}")
            self.remove()
            self.show(result)
            if refusal is not None:
                raise refusal

    def report(self, outcome: Outcome) -> dict[str, Any]:
        """Say how good the fit is and return the final report, or raise what ended it."""
        result = result_of(outcome)
        if result is not None:
            say_report(result.report, result.field.spec, self.job.target, self._messages)
        if isinstance(outcome, FitNotMeasuredError):
            self._messages.always(
                "stopped while measuring: the weights are finished and saved, but how good they "
                "are is not known; sinefit eval tells it"
            )
        if isinstance(outcome, SinefitError):
            raise outcome
        return report_values(outcome.report, self.job, self._request.config)

    def leave(self, checkpoint: Checkpoint) -> None:
        """Keep what a stopped fit has reached, and say how to go on."""
        stopped = f"stopped after {checkpoint.standing.step} steps"
        if self.job.checkpoint is None:
            self._messages.always(f"{stopped}; an output that is a pipe has no checkpoint")
            return
        place = self.job.checkpoint
        try:
            self._save(checkpoint)
        except OutputError as error:
            kept = self._kept_elsewhere(place, self._encoded(checkpoint))
            if kept is None:
                raise
            self._messages.always(f"{error}; the checkpoint is in {kept}")
            place = kept
        same = "with the same input " if is_standard_input(self.job.source) else ""
        words = [*resume_command(self.job, self._request, place), *self._request.outer]
        self._messages.always(f"{stopped}; {same}go on with: {command_line(words)}")

    def show(self, result: FitResult) -> None:
        """Show the finished field where a preview is wanted."""
        if self._preview is not None:
            self._preview.finish(result.field)

    def remove(self) -> None:
        """Remove the checkpoint of a fit that is done."""
        if self.job.checkpoint is not None:
            with contextlib.suppress(OSError):
                self.job.checkpoint.unlink()

    def save_on_the_way(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint on the way; that there is no place for it does not end the fit."""
        try:
            self._save(checkpoint)
        except OutputError as error:
            if not self._has_warned:
                self._messages.always(f"going on without a checkpoint: {error}")
            self._has_warned = True

    def _kept_elsewhere(self, target: str | Path, content: bytes) -> Path | None:
        """Return where else the bytes went that a file would not take, None for a stream."""
        return write_elsewhere(target, content) if self._goes_to_file else None

    def _encoded(self, checkpoint: Checkpoint) -> bytes:
        from sinefit.fitting.checkpoint import encode_checkpoint

        return encode_checkpoint(dataclasses.replace(checkpoint, origin=self._origin))

    def _save(self, checkpoint: Checkpoint) -> None:
        assert self.job.checkpoint is not None
        content = self._encoded(checkpoint)
        write_bytes(self.job.checkpoint, content, force=True)
        self._messages.detail(
            f"{self.job.checkpoint}: checkpoint after {checkpoint.standing.step} steps, "
            f"{size(len(content))}"
        )


def _encoded(result: FitResult, config: FitConfig) -> bytes:
    import torch

    from sinefit.fields.weights_file import encode_field

    return encode_field(result.field, getattr(torch, config.dtype))
