"""What a group of fits tells its caller, and how it is stopped."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.errors import SinefitError
from sinefit.fitting.hooks import CHECKPOINT_EVERY, FitHooks
from sinefit.fitting.report import (
    FitDivergedError,
    FitNotMeasuredError,
    FitStoppedError,
    Progress,
    Stopped,
    result_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.report import FitResult, Outcome


@dataclass(frozen=True)
class GroupHooks:
    """What a caller wants to hear of a group of fits, and how it stops one.

    Fits are known by their number, from 0. The hooks are called one at a time, but from any thread;
    one that raises ends the group.
    """

    on_progress: Callable[[Progress], None] | None = None
    """Called with the state of the whole group: the mean PSNR, steps and share of its fits."""
    on_fit_progress: Callable[[int, Progress], None] | None = None
    """Called with the state of one fit, as alone."""
    on_end: Callable[[int, Outcome], None] | None = None
    """Called as soon as a fit ends with its result, or with the error that ended it: of a fit that
    diverged or was stopped, the error holds the best weights or the checkpoint."""
    on_checkpoint: Callable[[int, Checkpoint], None] | None = None
    """Called about every `checkpoint_every` seconds with what a fit can go on from."""
    checkpoint_every: float = CHECKPOINT_EVERY
    should_stop: Callable[[], bool] | None = None
    """Asked several times a second, as `FitHooks.should_stop` is; True stops the whole group."""
    on_notice: Callable[[int, str], None] | None = None
    """Called with a sentence about something that a fit had to change."""


class GroupStoppedError(SinefitError):
    """A group was asked to stop; the fits that had ended are in it, the others' checkpoints too."""

    def __init__(
        self,
        message: str,
        results: Sequence[FitResult | None],
        checkpoints: Sequence[Checkpoint | None],
    ) -> None:
        super().__init__(message)
        self.results = list(results)
        """By the fits' numbers; None for a fit that had not ended, and without a PSNR where it was
        being measured."""
        self.checkpoints = list(checkpoints)
        """By the fits' numbers; None for a fit that had ended or not begun."""


class Group:
    """The fits of a group as they go: turns what each of them tells into calls of the hooks."""

    def __init__(self, count: int, hooks: GroupHooks) -> None:
        self.count = count
        self._hooks = hooks
        self._lock = threading.Lock()
        self._begin = time.perf_counter()
        self._latest: dict[int, Progress] = {}
        self._sums = _Sums()
        self._ended: dict[int, Outcome] = {}
        self._cancelled = False

    def hooks_for(self, number: int) -> FitHooks:
        """Return what a fit of the group calls."""
        hooks = self._hooks

        def keep(checkpoint: Checkpoint) -> None:
            with self._lock:
                if hooks.on_checkpoint is not None:
                    hooks.on_checkpoint(number, checkpoint)

        def notice(sentence: str) -> None:
            with self._lock:
                if hooks.on_notice is not None:
                    hooks.on_notice(number, sentence)

        return FitHooks(
            on_progress=lambda progress: self._note(number, progress),
            on_checkpoint=None if hooks.on_checkpoint is None else keep,
            checkpoint_every=hooks.checkpoint_every,
            should_stop=self.stopping,
            on_notice=notice,
        )

    def stopping(self) -> bool:
        """Tell whether the fits must stop."""
        asked = self._hooks.should_stop is not None and self._hooks.should_stop()
        return asked or self._cancelled

    def cancel(self) -> None:
        """Stop the fits because one of them failed beyond repair; nothing more is told."""
        self._cancelled = True

    def end(self, number: int, outcome: Outcome) -> None:
        """Note how a fit ended."""
        with self._lock:
            if self._cancelled:
                return
            self._ended[number] = outcome
            if number in self._latest:
                self._sums.end(self._latest[number])
            if self._hooks.on_end is not None:
                self._hooks.on_end(number, outcome)

    def results(self) -> list[FitResult]:
        """Return all results, of diverged fits with their best weights.

        Raises GroupStoppedError if fits were stopped or never begun, and the error of a fit that
        could not be made.
        """
        outcomes = [self._ended.get(number) for number in range(self.count)]
        for outcome in outcomes:
            if isinstance(outcome, SinefitError) and not isinstance(
                outcome, FitDivergedError | Stopped
            ):
                raise outcome
        results = [result_of(outcome) for outcome in outcomes]
        found = [result for result in results if result is not None]
        unmeasured = any(isinstance(outcome, FitNotMeasuredError) for outcome in outcomes)
        if len(found) < self.count or unmeasured:
            raise GroupStoppedError(
                f"the group: stopped when {len(found)} of {self.count} fits had ended",
                results,
                [
                    outcome.checkpoint if isinstance(outcome, FitStoppedError) else None
                    for outcome in outcomes
                ],
            )
        return found

    def _note(self, number: int, progress: Progress) -> None:
        hooks = self._hooks
        with self._lock:
            if self._cancelled:
                return
            if hooks.on_fit_progress is not None:
                hooks.on_fit_progress(number, progress)
            if progress.phase == "fitting":
                self._sums.replace(self._latest.get(number), progress)
                self._latest[number] = progress
                if hooks.on_progress is not None:
                    hooks.on_progress(self._mean())

    def _mean(self) -> Progress:
        """Return the group's progress: a fit that has ended counts as done."""
        sums = self._sums
        seconds = time.perf_counter() - self._begin
        return Progress(
            "fitting",
            round(sums.steps / self.count),
            None if sums.endless else min(1.0, sums.share / self.count),
            seconds,
            sums.psnr / sums.sound if sums.sound else -math.inf,
            sums.samples / seconds if seconds > 0 else 0.0,
        )


class _Sums:
    """What the latest reports of all fits add up to, kept up as they come.

    To add all of them up anew at each would take longer the more fits there are.
    """

    def __init__(self) -> None:
        self.steps = self.endless = self.sound = 0
        self.share = self.psnr = self.samples = 0.0

    def replace(self, old: Progress | None, new: Progress) -> None:
        """Count a report in place of the fit's last."""
        if old is not None:
            self._count(old, -1)
        self._count(new, 1)

    def end(self, latest: Progress) -> None:
        """Count a fit as done."""
        self.share += 1.0 - (latest.share or 0.0)

    def _count(self, progress: Progress, sign: int) -> None:
        self.steps += sign * progress.step
        self.endless += sign * (progress.share is None)
        self.share += sign * (progress.share or 0.0)
        self.samples += sign * progress.samples_per_second * progress.seconds
        if math.isfinite(progress.psnr):
            self.sound += sign
            self.psnr += sign * progress.psnr
