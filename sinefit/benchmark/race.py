"""PSNR over time of the textbook method and of sinefit on the same picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from sinefit import metrics
from sinefit.benchmark.textbook import TextbookTraining
from sinefit.fitting.budget import Budget
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.measure import measure_quality

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from sinefit.benchmark.clock import Clock
    from sinefit.fields.field import Field
    from sinefit.fitting.config import FitConfig
    from sinefit.signals.signal import Signal

    Tell = Callable[[str], None]

TARGETS: Final = (25.0, 30.0, 35.0)
"""Qualities in dB whose time is told."""
TELL_EVERY: Final = 5.0
"""Seconds of the textbook's training between two lines about it."""
MEASUREMENTS: Final = 40
"""How often sinefit's field is measured."""


class Stepper(Protocol):
    """A training whose steps return the mean squared error before them, targets in [-1, 1]."""

    def step(self) -> Tensor:
        """Take one step."""
        ...


@dataclass(frozen=True)
class Curve:
    """How the PSNR of unrounded values over all samples rose."""

    seconds: tuple[float, ...]
    """Of training since its first step began, measuring not counted."""
    psnr: tuple[float, ...]
    """In dB, one per time."""

    def seconds_to(self, psnr: float) -> float | None:
        """Return when a PSNR was first reached, interpolated linearly; None if it never was."""
        earlier = None
        for point in zip(self.seconds, self.psnr, strict=True):
            if point[1] >= psnr:
                if earlier is None:
                    return point[0]
                share = (psnr - earlier[1]) / (point[1] - earlier[1])
                return earlier[0] + share * (point[0] - earlier[0])
            earlier = point
        return None

    def thinned(self, most: int) -> Curve:
        """Return at most `most` of the points, at least 2, spread evenly from first to last."""
        last = len(self.seconds) - 1
        if last < most:
            return self
        chosen = [round(number * last / (most - 1)) for number in range(most)]
        return Curve(
            tuple(self.seconds[number] for number in chosen),
            tuple(self.psnr[number] for number in chosen),
        )


@dataclass(frozen=True)
class Race:
    """Both curves on one picture."""

    textbook: Curve
    sinefit: Curve


def run_race(
    signal: Signal,
    config: FitConfig,
    device: torch.device,
    clock: Clock,
    tell: Tell,
    *,
    textbook_limit: float,
    sinefit_seconds: float,
) -> tuple[Race, Field]:
    """Let both train on a signal, one after the other; return the race and sinefit's field.

    The textbook method stops at the highest of `TARGETS` or after `textbook_limit` seconds, sinefit
    after `sinefit_seconds`, to which its schedule is laid out.
    """
    textbook = TextbookTraining(signal, replace(config, blocks=(1,)).size_for(signal.spec), device)
    slow = textbook_curve(textbook, clock, max(TARGETS), textbook_limit, tell)
    del textbook
    fast, field = sinefit_curve(signal, config, clock, sinefit_seconds)
    tell(f"race: sinefit has {fast.psnr[-1]:.1f} dB after {fast.seconds[-1]:.1f} s")
    return Race(slow, fast), field


def _quality(field: Field, signal: Signal) -> float:
    return measure_quality(field, signal).psnr_float


def textbook_curve(
    training: Stepper, clock: Clock, target: float, limit: float, tell: Tell
) -> Curve:
    """Train to a PSNR of `target` dB or for `limit` seconds; return the curve, a point per step.

    A full batch's loss before a step is the error of the weights as they were, so that nothing has
    to be measured besides.
    """
    seconds, qualities = [0.0], []
    told = 0.0
    begin = clock()
    while True:
        qualities.append(metrics.psnr(float(training.step()), 2.0))
        now = clock() - begin
        if qualities[-1] >= target or now >= limit:
            return Curve(tuple(seconds), tuple(qualities))
        if now - told >= TELL_EVERY:
            told = now
            tell(f"race: the textbook method has {qualities[-1]:.1f} dB after {now:.0f} s")
        seconds.append(now)


def sinefit_curve(
    signal: Signal,
    config: FitConfig,
    clock: Clock,
    seconds: float,
    quality: Callable[[Field, Signal], float] = _quality,
) -> tuple[Curve, Field]:
    """Fit a signal for `seconds`; return the curve of the measured field and the field.

    `quality` measures the PSNR in dB of a field over the signal's samples.
    """
    times: list[float] = []
    qualities: list[float] = []
    begin: float | None = None

    def start() -> bool:
        # A fit asks whether it should stop before its first step: then the clock begins.
        nonlocal begin
        if begin is None:
            begin = clock()
        return False

    def measure(field: Field) -> None:
        nonlocal begin
        assert begin is not None
        now = clock()
        times.append(now - begin)
        qualities.append(quality(field, signal))
        begin += clock() - now

    hooks = FitHooks(should_stop=start, on_field=measure, field_every=seconds / MEASUREMENTS)
    result = fit_signal(signal, replace(config, budget=Budget(max_time=seconds)), hooks=hooks)
    reached = result.report.record.psnr_float
    assert reached is not None  # nothing stops this fit
    times.append(result.report.seconds)
    qualities.append(reached)
    return Curve(tuple(times), tuple(qualities)), result.field
