"""The loop: a stack takes steps, and between them each of its fits does what is due."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Final

from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.draws import samples_of
from sinefit.fitting.fit import Fit
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.judging import judge
from sinefit.fitting.machine import machine_for
from sinefit.fitting.pace import settled
from sinefit.fitting.plan import check_start, plan_fit
from sinefit.fitting.trainer import Trainer
from sinefit.fitting.turns import ROUND
from sinefit.forks import begin_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult, Progress
    from sinefit.signals.signal import Signal

LOOK_EVERY: Final = 0.1
"""Seconds of steps after which a fit looks around for a stop, a due checkpoint or its end."""

CAUTION: Final = 2.0
"""Times the expected pace by which the first round is planned: it may be off, and a round of very
many blocks takes long."""
RESERVE: Final = 1.05
"""The same of later rounds whose groups take turns: all blocks are to have their steps in time."""


def fit_signal(
    signal: Signal,
    config: FitConfig,
    *,
    start_from: Field | None = None,
    resume: Checkpoint | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    hooks: FitHooks | None = None,
) -> FitResult:
    """Fit a network to a signal.

    `start_from` continues from the weights of an earlier field: its recipe, omega and network size
    take the place of those in `config`. `resume` goes on from a checkpoint of the same signal and
    settings, to the same weights as if the fit had never been stopped. `on_progress` is a short
    form of `hooks`.

    Raises SettingError for settings that do not fit the signal or the checkpoint, InputError for a
    signal without samples, FitDivergedError, with the best weights, for a fit that diverges, and
    for one that `hooks` stop FitStoppedError, with a checkpoint, or FitNotMeasuredError, with the
    result, when all steps are done.
    """
    hooks = hooks or FitHooks()
    if on_progress is not None:
        hooks = dataclasses.replace(hooks, on_progress=on_progress)
    plan = make_plan(signal, config, start_from=start_from, resume=resume)
    return run_plan(signal, plan, hooks, resume)


def make_plan(
    signal: Signal,
    config: FitConfig,
    *,
    start_from: Field | None = None,
    resume: Checkpoint | None = None,
) -> FitPlan:
    """Decide everything about a fit, see `fit_signal`; the pace of the machine is tried if needed.

    What a checkpoint has decided holds.
    """
    if start_from is not None:
        check_start(start_from, config, signal.spec)
        config = config.continuing(start_from)
    machine = machine_for(config)
    with cpu_threads(machine.threads):
        begin_threads(machine.threads)
        config = settled(config, signal, resume)
        if resume is None:
            if start_from is not None:  # whatever its owner does to it later
                network = start_from.network.clone()
                start_from = dataclasses.replace(start_from, network=network)
            return plan_fit(signal, config, machine, start_from)
        resume.check(config, signal)
        continued = resume.standing.continued
        return plan_fit(signal, config, machine, resume.field, continued=continued)


def run_plan(
    signal: Signal,
    plan: FitPlan,
    hooks: FitHooks,
    resume: Checkpoint | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> FitResult:
    """Carry out a plan, see `fit_signal`; `clock` tells the seconds of its training."""
    signal = plan.mapped(signal)
    with cpu_threads(plan.machine.threads):
        begin_threads(plan.machine.threads)
        trainer = Trainer([plan], [samples_of(plan, signal)])
        trainer.rehearse()
        fit = Fit(signal, plan, trainer, hooks)
        if resume is not None:
            fit.resume(resume)
        train([fit], trainer, clock=clock)
        return fit.finish()


def train(
    fits: Sequence[Fit],
    trainer: Trainer,
    on_end: Callable[[Sequence[Fit]], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Train until every fit has ended; `fits` are the members of the stack, in its order.

    A fit's seconds are its share of those that the stack takes, so that a budget in time means what
    it means alone. Fits that end keep their weights and leave the stack; `on_end` is called with
    those that do so at once, and its time does not count.
    """
    running = list(fits)
    # Seconds per step of the stack, 0 as long as it is not known.
    pace = _expected_pace(running) if trainer.steps_together > ROUND else 0.0
    caution = CAUTION
    last = clock()
    while True:
        for fit in running:
            last += fit.turn(clock)
        if any(fit.ended is not None for fit in running):
            paused = clock()
            running = _without_ended(running, trainer, on_end)
            last += clock() - paused
            if not running:
                return
        at_once = max(trainer.steps_together, int(LOOK_EVERY / pace)) if pace else 1
        count = min(fit.steps_ahead(caution * pace) for fit in running)
        if trainer.steps_together > 1 or running[0].plan.budget.max_time is not None:
            count = min(count, at_once)
        owners = {place: fit for fit in running for place in fit.places}
        for fit in running:
            fit.begin_round(count, pace)
        begins = [owners[place].standing.step for place in range(len(owners))]
        spent, advanced, taken, parts = 0.0, 0, 0, 0
        whole: Tensor | None = None
        factors = [owners[place].factor for place in range(len(owners))]
        # A round of one group goes by parts, between which nothing but a call of a fit is heard.
        while taken < count and (taken == 0 or not any(fit.is_called(last) for fit in running)):
            taken, parts = min(taken + at_once, count), parts + 1
            for places, losses in trainer.advance([begin + taken for begin in begins], factors):
                trainer.wait()  # else the clock would tell how long it took to ask for the steps
                now = clock()
                if len(places) == len(owners):  # the fits hear of all parts at once
                    whole = losses if whole is None else whole + losses
                else:
                    for fit in running:
                        fit.heard(places, losses, (now - last) / len(running))
                spent, advanced, last = spent + now - last, advanced + len(places), now
                # Not after the last group, with which the round is whole.
                if places.stop < len(owners):
                    for fit in running:
                        last += fit.turn(clock)
                    if any(fit.ended is not None for fit in running):
                        break
            if spent > 0.0:
                at_once = max(1, int(LOOK_EVERY * taken / spent))
        if whole is not None:
            for fit in running:
                fit.heard(range(len(owners)), whole, spent / len(running))
        if not any(fit.ended is not None for fit in running):
            reporting = [fit for fit in running if fit.end_round(taken, pace)]
            judge([fit for fit in reporting if fit.report()], trainer.network)
            pace = spent / taken * parts * len(owners) / advanced
            caution = RESERVE if trainer.steps_together > 1 else 1.0


def _expected_pace(fits: Sequence[Fit]) -> float:
    """Return about how many seconds a step is going to take, 0 where it has not been tried.

    Where groups take long to change, a first round of a single step would cost as much as many.
    Of a fit whose end no clock decides it makes no difference.
    """
    plan = fits[0].plan
    if plan.budget.max_time is None:
        return LOOK_EVERY
    planned = plan.config.planned_steps
    return plan.budget.max_time / planned if planned else 0.0


def _without_ended(
    fits: Sequence[Fit], trainer: Trainer, on_end: Callable[[Sequence[Fit]], None] | None
) -> list[Fit]:
    """Have the fits that have ended leave the stack with their weights; return the others."""
    leaving = [fit for fit in fits if fit.ended is not None]
    gone = [place for fit in leaving for place in fit.places]
    staying = [fit for fit in fits if fit.ended is None]
    network = trainer.network
    if not staying:
        trainer.end()
    for fit in leaving:
        part = network.part(fit.places)
        fit.network = part.clone() if len(fits) > 1 else part
    if on_end is not None:
        on_end(leaving)
    if staying:
        trainer.leave(gone)
    first = 0
    for fit in staying:
        fit.first = first
        first += len(fit.places)
    return staying
