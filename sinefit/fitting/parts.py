"""Parts of a fit: some of its blocks trained by themselves, to the weights that they end with.

What a block learns follows from its samples, the settings, the seed and its number. Only looks at
all losses together have to wait for all of them: whoever gathers the parts makes up for these.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.fit import report_interval
from sinefit.fitting.keeping import BestWeights
from sinefit.fitting.report import Progress
from sinefit.fitting.samples import PartSamples
from sinefit.fitting.schedule import course_without_clock, progress_within
from sinefit.fitting.trainer import Trainer
from sinefit.forks import begin_threads
from sinefit.metrics import psnr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.fitting.plan import FitPlan
    from sinefit.signals.signal import Signal


FINISH_SECONDS: Final = 10.0
"""Seconds that a part which is asked to stop may still take to end: what it has done is then kept,
which else is lost, as a part is handed over as a whole."""


class PartStoppedError(Exception):
    """A part was asked to stop."""


@dataclass(frozen=True)
class SentParts:
    """The samples of some blocks, away from the signal that they are of."""

    signals: Mapping[int, Signal]
    """What each block reaches, by its number; those of an ensemble at one place share the first
    one's."""
    chosen: Mapping[int, NDArray[np.int64]] | None = None
    """Which of those samples each is fitted to; None for all."""

    def part(self, number: int) -> Signal:
        """Return what a block reaches."""
        return self.signals[number]

    def fitted(self, number: int) -> NDArray[np.int64] | None:
        """Return which of those samples it is fitted to, None for all."""
        return None if self.chosen is None else self.chosen[number]

    def let_go(self) -> None:
        """Do nothing: the samples are in memory."""


@dataclass(frozen=True)
class PartResult:
    """What a part has come to."""

    weights: Tensor
    """Of its blocks (blocks, count), on the CPU, float32; the best ones of a block whose weights
    are not numbers any more."""
    best: Tensor
    """The same of the lowest losses."""
    losses: Tensor
    """Mean losses between two reports (reports, blocks)."""
    seconds: float
    computed_by: str
    """Device, engine, precision: what the bytes depend on."""
    state: Mapping[str, Tensor] | None = None
    """What a further stretch of steps goes on from; None at the end."""


@dataclass(frozen=True)
class HowTrained:
    """How a machine trains the parts of a fit."""

    every: int
    """Steps between two looks at the losses."""
    changes_precision: bool
    """Whether the last steps of a good fit are taken in another precision."""


@dataclass(frozen=True)
class Stretch:
    """Steps of a part that are taken without looking at others."""

    begin: int
    """Steps that were taken before."""
    end: int
    """A report, or the last step."""
    refine_at: int | None = None
    """The report from which on the steps are taken in the last precision."""
    state: Mapping[str, Tensor] | None = None
    """What the stretch before has left; None for the first."""


def train_part(
    plan: FitPlan,
    parts: SentParts,
    stretch: Stretch,
    *,
    should_stop: Callable[[], bool],
    on_progress: Callable[[Progress], None],
) -> PartResult:
    """Take steps of the blocks of a part, see `FitPlan.part`, of a fit that steps end.

    Raises PartStoppedError when it is asked to stop long before its end, see `FINISH_SECONDS`.
    """
    device = plan.machine.device
    with cpu_threads(plan.machine.threads):
        begin_threads(plan.machine.threads)
        samples = PartSamples.of_source(parts, plan.blocks, device, plan.work.dtype)
        training = _PartTraining(plan, Trainer([plan], [samples]), should_stop, on_progress)
        return training.run(stretch)


def how_trained(plan: FitPlan, parts: SentParts) -> HowTrained:
    """Return how this machine trains a part, of which the samples of one block do."""
    samples = PartSamples.of_source(parts, plan.blocks, plan.machine.device, plan.work.dtype)
    trainer = Trainer([plan], [samples])
    every = reports_every(plan, trainer)
    trainer.end()
    return HowTrained(every, plan.precision != plan.last_precision)


def reports_every(plan: FitPlan, trainer: Trainer) -> int:
    """Return the steps between two looks at the losses of a fit, of a part those of the whole."""
    if trainer.steps_together > 1:
        return trainer.steps_together
    return report_interval(plan.machine.device, plan.weights, plan.batch)


def part_progress(plan: FitPlan, step: int) -> float:
    """Return how far along the schedule, 0 to 1, a step of a fit is that steps end."""
    return progress_within(plan.budget.spent(step, 0.0), step, plan.steps)


class _PartTraining:
    def __init__(
        self,
        plan: FitPlan,
        trainer: Trainer,
        should_stop: Callable[[], bool],
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._plan = plan
        self._trainer = trainer
        self._should_stop = should_stop
        self._on_progress = on_progress
        self._places = range(len(plan.numbers))
        # A block can begin worse than the whole, and would then keep what it began with.
        self._best = BestWeights(trainer.network, math.inf)
        self._every = reports_every(plan, trainer)
        self._begin = time.perf_counter()

    def run(self, stretch: Stretch) -> PartResult:
        plan, trainer, places = self._plan, self._trainer, self._places
        trainer.rehearse()
        if stretch.state is not None:
            weights = trainer.network.clone()
            weights.values.copy_(stretch.state["weights"])
            trainer.restore(places, weights, stretch.state)
            self._best.restore(stretch.state)
        if stretch.refine_at == stretch.begin:
            trainer.refine()
        losses = torch.zeros(len(places), device=plan.machine.device)
        rows, step, since, taken = [], stretch.begin, stretch.begin, 0
        while step < stretch.end:
            goal = min(stretch.end, step + self._every - step % self._every)
            factor = course_without_clock(
                plan.schedule, step, goal - step, plan.steps, plan.budget.steps
            )
            for group, sums in trainer.advance([goal] * len(places), [factor] * len(places)):
                losses[group.start : group.stop] += sums
                trainer.wait()
                taken += (goal - step) * len(group)
                if self._should_stop() and self._remaining(taken, stretch) > FINISH_SECONDS:
                    raise PartStoppedError
            step = goal
            if step % self._every == 0:
                rows.append(self._report(losses / (step - since), step, stretch))
                losses.zero_()
                since = step
                if step == stretch.refine_at:
                    trainer.refine()
        return self._result(stretch, rows)

    def _remaining(self, taken: int, stretch: Stretch) -> float:
        """Return the seconds left at the pace of the steps of all blocks that were taken."""
        steps = (stretch.end - stretch.begin) * len(self._places)
        return (time.perf_counter() - self._begin) * (steps - taken) / taken

    def _report(self, losses: Tensor, step: int, stretch: Stretch) -> Tensor:
        """Look at the losses since the last report, as `Fit` does at those of several blocks."""
        trainer, best = self._trainer, self._best
        astray = best.keep(trainer.network, losses)
        lost = astray.nonzero().flatten().tolist()
        if lost:
            trainer.put_back(lost, best.network.values[astray])
            losses = torch.where(astray, best.losses, losses)
        seconds = time.perf_counter() - self._begin
        samples = (step - stretch.begin) * self._plan.batch * len(self._places)
        self._on_progress(
            Progress(
                "fitting",
                step,
                (step - stretch.begin) / (stretch.end - stretch.begin),
                seconds,
                psnr(float(losses.mean()), self._plan.spec.target_range),
                samples / seconds if seconds > 0 else 0.0,
            )
        )
        return losses.cpu()

    def _result(self, stretch: Stretch, rows: list[Tensor]) -> PartResult:
        plan, trainer = self._plan, self._trainer
        state = None
        if stretch.end < plan.steps:
            state = {**trainer.state(self._places), **self._best.state()}
            state.setdefault("weights", trainer.network.values.cpu().clone())
            state = {name: tensor.clone() for name, tensor in state.items()}
        whole = self._best.whole(trainer.network)
        precisions = " to ".join(dict.fromkeys((plan.precision, plan.last_precision)))
        result = PartResult(
            whole.values.float().cpu().clone(),
            self._best.network.values.float().cpu().clone(),
            torch.stack(rows) if rows else torch.zeros((0, len(self._places))),
            time.perf_counter() - self._begin,
            f"{plan.engine.name} on {plan.machine.device.type}, {precisions}",
            state,
        )
        trainer.end()
        return result
