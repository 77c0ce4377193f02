"""One fit of the command line: read, resume, fit, write, report."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinefit.cli.console import ProgressDisplay, duration, size
from sinefit.cli.jobs import check_source
from sinefit.cli.resume import (
    CHECKPOINT_EVERY,
    check_command,
    check_start,
    origin_of,
    read_checkpoint,
    resume_command,
)
from sinefit.cli.streams import is_standard_input, read_standard_input
from sinefit.errors import InputError, OutputError
from sinefit.files import check_output, is_standard_output, is_stream, write_bytes
from sinefit.fitting.report import FitDivergedError, FitStoppedError
from sinefit.signals.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.cli.console import Messages
    from sinefit.cli.jobs import Job
    from sinefit.cli.stopping import StopRequest
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.report import FitReport, FitResult, Progress
    from sinefit.signals.limits import Limits
    from sinefit.signals.selection import Selection
    from sinefit.signals.signal import Kind, Signal, SignalSpec

    RecordCallback = Callable[[dict[str, Any]], None]


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
    leaves a checkpoint and raises FitStoppedError; one that diverges raises FitDivergedError once
    its best weights are written.
    """
    check_source(job.source)
    _check_places(job, request)
    if resume is None:
        resume = _left_behind(job, request)
    if resume is not None:
        check_command(resume, request)
    signal = _read(job.source, request, messages)
    fit = _CheckpointedFit(job, request, messages, resume)
    diverged: FitDivergedError | None = None
    with stop:
        try:
            result = fit.run(signal, stop, on_record)
        except FitDivergedError as error:
            diverged, result = error, error.result
        except FitStoppedError as stopped:
            fit.leave(stopped.checkpoint)
            raise
        _write(result, job.target, request.config, force=request.force)
        fit.remove()
    _say_report(result.report, result.field.spec, job.target, messages)
    if diverged is not None:
        raise diverged
    return report_values(result.report, job, request.config)


def _check_places(job: Job, request: FitRequest) -> None:
    """Raise OutputError for a place that cannot be written to; make the output folder."""
    if job.makes_folder:
        folder = Path(job.target).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot make this folder: {error.strerror}") from error
    check_output(job.target, force=request.force, source=job.source)
    if job.checkpoint is not None:
        check_output(job.checkpoint, force=True, source=job.source)


def _read(source: str, request: FitRequest, messages: Messages) -> Signal:
    from sinefit.signals.reading import read_signal

    content = read_standard_input() if is_standard_input(source) else source
    signal = read_signal(
        content,
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


class _CheckpointedFit:
    """A fit that keeps a checkpoint beside its output, and may have begun with one."""

    def __init__(
        self, job: Job, request: FitRequest, messages: Messages, resume: Checkpoint | None
    ) -> None:
        self._job = job
        self._request = request
        self._messages = messages
        self._resume = resume
        self._origin = origin_of(job, request)
        if resume is not None:
            self._origin["start_from"] = resume.origin.get("start_from")
        self._has_warned = False

    def run(self, signal: Signal, stop: StopRequest, on_record: RecordCallback | None) -> FitResult:
        """Fit; raises what `fit_signal` does."""
        from sinefit.fields.weights_file import read_field
        from sinefit.fitting.devices import resolve_device
        from sinefit.fitting.loop import FitHooks, fit_signal
        from sinefit.fitting.omega import resolve_omega
        from sinefit.initializers.registry import describe

        request, config, name = self._request, self._request.config, signal.spec.source or "signal"
        device = resolve_device(config.device)
        initial = None if request.start_from is None else read_field(Path(request.start_from))
        origin = " (from its spectrum)" if config.omega is None else ""
        if initial is not None:
            config, origin = config.continuing(initial), f" (from {request.start_from})"
        size = config.size_for(signal.spec)
        omega = resolve_omega(config.omega, config.initializer, signal, size)
        self._messages.say(
            f"{name}: {describe_signal(signal.spec)}; "
            f"{describe(config.initializer)}, omega {','.join(f'{w:.4g}' for w in omega)}{origin}, "
            f"on {device}"
        )
        if self._resume is not None:
            self._messages.say(f"{name}: going on after {self._resume.standing.step} steps")
        with ProgressDisplay(self._messages, name) as display:

            def show(progress: Progress) -> None:
                display.show_fit(progress)
                if on_record is not None:
                    values = dataclasses.asdict(progress)
                    on_record({"event": "progress", "file": self._job.source, **values})

            hooks = FitHooks(
                on_progress=show,
                on_checkpoint=None if self._job.checkpoint is None else self._keep,
                checkpoint_every=request.checkpoint_every,
                should_stop=stop.requested,
                on_notice=self._messages.warn,
            )
            return fit_signal(signal, config, start_from=initial, resume=self._resume, hooks=hooks)

    def leave(self, checkpoint: Checkpoint) -> None:
        """Keep what a stopped fit has reached, and say how to go on."""
        stopped = f"stopped after {checkpoint.standing.step} steps"
        if self._job.checkpoint is None:
            self._messages.always(f"{stopped}; an output that is a pipe has no checkpoint")
            return
        self._save(checkpoint)
        same = "with the same input " if is_standard_input(self._job.source) else ""
        command = resume_command(self._job, self._request)
        self._messages.always(f"{stopped}; {same}go on with: {command}")

    def remove(self) -> None:
        """Remove the checkpoint of a fit that is done."""
        if self._job.checkpoint is not None:
            with contextlib.suppress(OSError):
                self._job.checkpoint.unlink()

    def _keep(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint on the way; that there is no place for it does not end the fit."""
        try:
            self._save(checkpoint)
        except OutputError as error:
            if not self._has_warned:
                self._messages.always(f"going on without a checkpoint: {error}")
            self._has_warned = True

    def _save(self, checkpoint: Checkpoint) -> None:
        from sinefit.fitting.checkpoint import encode_checkpoint

        assert self._job.checkpoint is not None
        content = encode_checkpoint(dataclasses.replace(checkpoint, origin=self._origin))
        write_bytes(self._job.checkpoint, content, force=True)


def describe_signal(spec: SignalSpec) -> str:
    """Return one line about a signal: kind, size, channels, depth and rate."""
    if spec.kind == "image":
        extent = f"{spec.shape[1]}x{spec.shape[0]} pixels"
    elif spec.kind == "video":
        assert spec.rate is not None
        extent = (
            f"{spec.shape[0]} frames of {spec.shape[2]}x{spec.shape[1]} at {float(spec.rate):g} fps"
        )
    elif spec.kind == "audio":
        assert spec.rate is not None
        extent = f"{spec.shape[0]} samples at {float(spec.rate):g} Hz"
    else:
        extent = "x".join(str(size) for size in spec.shape) + " samples"
    channels = f"{spec.channels} channel{'s' if spec.channels > 1 else ''}"
    return f"{spec.kind}, {extent}, {channels}, {spec.bit_depth} bit"


def _write(result: FitResult, target: str, config: FitConfig, *, force: bool) -> None:
    import torch

    from sinefit.fields.weights_file import encode_field

    content = encode_field(result.field, getattr(torch, config.storage))
    write_bytes(target, content, force=force)


def _say_report(report: FitReport, spec: SignalSpec, target: str, messages: Messages) -> None:
    record = report.record
    saved = f"{record.psnr:.2f} dB PSNR as saved"
    if record.snr is not None:
        saved += f", {record.snr:.2f} dB SNR"
    name = "standard output" if is_standard_output(target) else target
    messages.say(
        f"{name}: {saved}, {record.psnr_float:.2f} dB in float ({range_name(spec)}); "
        f"{record.steps} steps in {duration(report.seconds)}, "
        f"{report.samples_per_second / 1000:.0f}k samples/s on {report.device}"
    )
    if report.ended_by == "plateau":
        messages.warn("the target quality is out of reach: try a larger --width or another --omega")
    if not is_stream(target):
        argument = f"-- {shlex.quote(name)}" if name.startswith("-") else shlex.quote(name)
        written = Path(target).stat().st_size
        share = f", {written / spec.source_bytes:.0%} of the source" if spec.source_bytes else ""
        messages.say(f"{name}: {size(written)}{share}; next: sinefit render {argument}")


def range_name(spec: SignalSpec) -> str:
    """Return what PSNR's range is for this kind of signal."""
    if spec.kind == "audio":
        return f"range: twice the peak, {spec.value_range:.4g}"
    if spec.kind == "array":
        return f"range: that of the values, {spec.value_range:.4g}"
    return f"range: full scale, {spec.value_range:g}"


def report_values(report: FitReport, job: Job, config: FitConfig) -> dict[str, Any]:
    """Return the final report as `--json` prints it."""
    values = dataclasses.asdict(report.record)
    values.update(
        file=job.source,
        seconds=report.seconds,
        samples_per_second=report.samples_per_second,
        device=report.device,
        ended_by=report.ended_by,
        weights=job.target,
        dtype=config.storage,
    )
    return values
