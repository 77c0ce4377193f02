"""What is said of a signal and of a finished fit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinefit.cli.console import duration, size
from sinefit.cli.quoting import quoted
from sinefit.files import is_standard_output, is_stream

if TYPE_CHECKING:
    from sinefit.cli.console import Messages
    from sinefit.cli.jobs import Job
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.report import FitReport, Progress
    from sinefit.signals.signal import SignalSpec


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


def say_report(report: FitReport, spec: SignalSpec, target: str, messages: Messages) -> None:
    """Say how good a finished fit is, where it lies and what to do with it."""
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
        argument = f"-- {quoted(name)}" if name.startswith("-") else quoted(name)
        written = Path(target).stat().st_size
        share = f", {written / spec.source_bytes:.0%} of the source" if spec.source_bytes else ""
        messages.say(f"{name}: {size(written)}{share}; next: sinefit render {argument}")


def range_name(spec: SignalSpec) -> str:
    """Return what PSNR's range is for this kind of signal."""
    if spec.kind == "audio":
        return f"range: twice the peak, {spec.value_range:.4g}"
    if not spec.full_scale:
        return f"range: that of the values, {spec.value_range:.4g}"
    return f"range: full scale, {spec.value_range:g}"


def progress_values(progress: Progress, job: Job) -> dict[str, Any]:
    """Return the record of a report of a running fit."""
    return {"event": "progress", "file": job.source, **dataclasses.asdict(progress)}


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
