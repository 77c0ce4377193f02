"""What is said of a fit, before it begins and when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sinefit.cli.words.amounts import duration, size
from sinefit.cli.words.details import fit_details, networks_word, start_words, training_words
from sinefit.cli.words.quoting import command_line, quoted
from sinefit.cli.words.signals import describe_signal, measured_words, range_name
from sinefit.files import is_standard_input, is_standard_output, is_stream

if TYPE_CHECKING:
    from sinefit.cli.fit.request import FitRequest
    from sinefit.cli.terminal.messages import Messages
    from sinefit.fields.record import FitRecord
    from sinefit.fitting.forecast import Forecast
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitReport
    from sinefit.jobs.hooks import JobFit
    from sinefit.jobs.job import Job
    from sinefit.signals.signal import SignalSpec

FORETOLD_FROM: Final = 5.0
"""Seconds from which on it is said beforehand how long a fit will take."""
POOR: Final = 25.0
"""PSNR in dB below which a fit is told to be a rough sketch."""
POOR_SNR: Final = 10.0
"""The same of a sound, by its SNR."""
FEWEST_TO_CUT: Final = 2**14
"""Samples of a signal of which less could be fitted."""
SILENT_SNR: Final = 1.0
"""SNR in dB below which silence would sound about the same."""


def announce(fit: JobFit, plan: FitPlan, request: FitRequest, messages: Messages) -> None:
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
    if request.start_from is not None:
        origin = f" (from {request.start_from})"
    recipe = None if config.initializer is None else describe(config.initializer)
    start = start_words(config.network, recipe, plan.omega, origin)
    what = "" if config.supervise == "values" else f"its {config.supervise}; "
    messages.say(
        f"{name}: {describe_signal(plan.spec)}; {what}{start}, {networks_word(plan)}, "
        f"on {plan.machine.device}"
    )
    if messages.verbose:
        for detail in fit_details(plan):
            messages.detail(f"{name}: {detail}")
    elif config.recipe != FitConfig.recipe:
        messages.say(f"{name}: {training_words(plan)}")
    if fit.resume is not None:
        messages.say(f"{name}: going on after {fit.resume.standing.step} steps")


def foretell(fit: JobFit, plan: FitPlan, messages: Messages) -> str | None:
    """Return about how long a fit will take and what to expect of it.

    None for one of a few seconds, or that only quality ends, and where nothing is to be said.
    """
    from sinefit.fitting.forecast import forecast

    if messages.quiet:
        return None
    standing = None if fit.resume is None else fit.resume.standing
    found = forecast(plan, fit.signal, standing)
    if found is None or found.seconds < FORETOLD_FROM:
        return None
    return forecast_words(found, fit.signal.spec)


def forecast_words(forecast: Forecast, spec: SignalSpec) -> str:
    """Return about how long a fit will take, and what to expect of it."""
    words = f"about {duration(forecast.seconds)}, {duration(forecast.measuring)} of it measuring"
    if forecast.quality is None:
        return words
    low, high, what = (10, 25, "dB SNR") if spec.kind == "audio" else (25, 35, "dB")
    quality = {
        "rough": f"a rough sketch, below {low} {what}",
        "fair": f"a fair likeness, {low} to {high} {what}",
        "close": f"a close likeness, above {high} {what}",
    }[forecast.quality]
    return f"{words}; expect {quality}"


def verdict(report: FitReport, spec: SignalSpec) -> str | None:
    """Return what would make a poor fit better, None for one that is not poor."""
    record = report.record
    if record.psnr_float is None or report.ended_by in (
        "quality",
        "plateau",
        "holdout",
        "divergence",
    ):
        return None
    is_sound = record.snr is not None
    figure, least = (record.snr, POOR_SNR) if record.snr is not None else (record.psnr_float, POOR)
    if figure >= least:
        return None
    found = "next to silence" if is_sound and figure < SILENT_SNR else "a rough sketch"
    less = None
    if spec.sample_count >= FEWEST_TO_CUT:
        less = {
            "image": "--downsample 2",
            "video": "--downsample 2, a shorter --duration",
            "audio": "a shorter --duration",
        }.get(spec.kind)
    cure = "more --max-time" if report.ended_by == "time" else "more --steps"
    cure += ", a larger --width" if not is_sound else ""
    return f"this is {found}: give it {cure}" + (f", or fit less of it: {less}" if less else "")


def say_result(report: FitReport, spec: SignalSpec, job: Job, messages: Messages) -> None:
    """Say how good a finished fit is, where it lies and what to do with it."""
    record, target = report.record, job.target
    name = "standard output" if is_standard_output(target) else target
    if job.shown != target:  # which is on the way to another file
        name = "standard input" if is_standard_input(job.source) else job.source
    messages.say(
        f"{name}: {quality_words(record, spec)}; "
        f"{record.steps} steps in {duration(report.seconds)}, "
        f"{report.samples_per_second / 1000:.0f}k samples/s on {report.device}"
    )
    if report.peak_step is not None and report.peak_step < record.steps:
        messages.say(
            f"{name}: the weights are those after {report.peak_step} steps, which met the samples "
            "held out best"
        )
    advice = verdict(report, spec)
    if advice is not None:
        messages.warn(f"{name}: {advice}")
    if report.ended_by == "plateau":
        messages.warn("the target quality is out of reach: try a larger --width or another --omega")
    if job.shown == target and not is_stream(target):
        argument = f"-- {quoted(name)}" if name.startswith("-") else quoted(name)
        written = Path(target).stat().st_size
        share = f", {written / spec.source_bytes:.0%} of the source" if spec.source_bytes else ""
        messages.say(f"{name}: {size(written)}{share}; next: sinefit render {argument}")


def say_stack(target: str, fields: int, example: str, messages: Messages) -> None:
    """Say what a stack's file holds and what to do with it."""
    count = "1 field" if fields == 1 else f"{fields} fields"
    words = command_line(["sinefit", "render", target, "--name", example])
    messages.say(f"{target}: {count}, {size(Path(target).stat().st_size)}; next: {words}")


def say_removed(job: Job, checkpoint: Path, messages: Messages) -> None:
    """Say that the checkpoint of a fit that is done was removed."""
    messages.say(f"{checkpoint}: removed, since {job.target} is finished")


def quality_words(record: FitRecord, spec: SignalSpec) -> str:
    """Return how good a field is, and whether that was measured, estimated or neither."""
    measured = measured_words(record.psnr_samples, spec.sample_count)
    if record.psnr is None or record.psnr_float is None:
        return measured
    is_estimate = record.psnr_samples < spec.sample_count
    digits = 1 if is_estimate else 2
    words = f"{record.psnr:.{digits}f} dB PSNR as saved"
    if record.snr is not None:
        words += f", {record.snr:.{digits}f} dB SNR"
    words += f", {record.psnr_float:.{digits}f} dB in float ({range_name(spec)})"
    if record.psnr_holdout is not None:
        words += f"; {record.psnr_holdout:.2f} dB on the samples held out ({record.holdout})"
    if record.psnr_gradient is not None:
        words += f", {record.psnr_gradient:.2f} dB of the gradient there"
    return f"about {words}, {measured}" if is_estimate else words
