"""Many tiny fits at once, each step one step of all of them."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Final

import torch

from sinefit.errors import SinefitError
from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.engines.stacked import StackedEngine
from sinefit.fitting.loop import Fit
from sinefit.fitting.stack import Stack, StackedAdam
from sinefit.fitting.training import Training

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from torch import Tensor

    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.group import Group
    from sinefit.fitting.loop import EndedBy
    from sinefit.signals.signal import Signal

MOST_FITS: Final = 64
"""Fits that step together; more of them gain nothing, and their weights must stay in cache."""
STACKED_ROWS: Final = 4096
"""Samples, of all fits, that are worked on at a time: as many as caches hold."""
TABLE_LIMIT: Final = 2**22
"""Samples of all fits up to which they are laid out once, and not gathered anew at every step."""


def fit_in_lockstep(
    signals: Sequence[Signal],
    config: FitConfig,
    group: Group,
    *,
    start_from: Field | None = None,
    resume: Sequence[Checkpoint | None],
) -> None:
    """Train the fits as a stack of networks on the CPU, in float32.

    The seconds of a fit are its share of those that the stack takes, so that a budget of time
    means what it means alone.
    """
    for begin in range(0, len(signals), MOST_FITS):
        if group.stopping():
            return
        clock = _SharedClock()
        members = []
        for number in range(begin, min(begin + MOST_FITS, len(signals))):
            try:
                members.append(
                    _Member(
                        number,
                        signals[number],
                        config,
                        group,
                        clock,
                        start_from=start_from,
                        resume=resume[number],
                    )
                )
            except SinefitError as error:
                group.end(number, error)
        with cpu_threads(config.threads):
            _train(members, group, clock)


class _SharedClock:
    """Seconds that each of the running fits has had."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class _StackedTraining(Training):
    """A training whose steps are taken by a stack."""

    stack: _TrainingStack | None = None
    place: int = 0

    def refine(self) -> None:
        """Do nothing: a stack works in full precision from the first step."""

    def state(self) -> dict[str, Tensor]:
        """Return what `Training.state` does, with Adam's averages as they are in the stack."""
        if self.stack is None:
            return super().state()
        return {**super().state(), **self.stack.adam.state(self.place)}


class _Member:
    """A fit of the group, and what it asks of its next step."""

    def __init__(
        self,
        number: int,
        signal: Signal,
        config: FitConfig,
        group: Group,
        clock: _SharedClock,
        *,
        start_from: Field | None,
        resume: Checkpoint | None,
    ) -> None:
        self.number = number
        is_continued = start_from is not None
        if resume is not None:
            resume.check(config, signal)
            start_from = resume.field
        with cpu_threads(1):
            self.training = _StackedTraining(signal, config, torch.device("cpu"), start_from)
        hooks = group.hooks_for(number)
        # By the shared clock; fits that have ended make checkpoints more frequent, never rarer.
        every = hooks.checkpoint_every / min(group.count, MOST_FITS)
        self.fit = Fit(
            signal, self.training, dataclasses.replace(hooks, checkpoint_every=every), clock
        )
        self.fit.standing.continued = is_continued
        if resume is not None:
            self.fit.resume(resume)
        self.steps: Generator[float, Tensor, EndedBy] = self.fit.steps()
        self.factor = 0.0
        self.ended_by: EndedBy | None = None
        self.error: SinefitError | None = None

    @property
    def running(self) -> bool:
        return self.ended_by is None and self.error is None

    def advance(self, loss: Tensor | None) -> None:
        """Hand over the loss of a step, None before the first, and ask for the next one."""
        try:
            self.factor = next(self.steps) if loss is None else self.steps.send(loss)
        except StopIteration as end:
            self.ended_by = end.value
        except SinefitError as error:
            self.error = error

    def finish(self, group: Group) -> None:
        """Measure and tell how the fit has ended."""
        if self.ended_by is not None:
            try:
                group.end(self.number, self.fit.finish(self.ended_by))
            except SinefitError as error:
                self.error = error
        if self.error is not None:
            group.end(self.number, self.error)


class _TrainingStack:
    """The trainings of the fits that are running, as one."""

    def __init__(self, members: Sequence[_Member]) -> None:
        trainings = [member.training for member in members]
        states = [training.state() for training in trainings]
        self._trainings = trainings
        self._stack = Stack([training.network for training in trainings])
        self.adam = StackedAdam(
            self._stack,
            [training.rates for training in trainings],
            [training.rules for training in trainings],
            [training.column_rates for training in trainings],
        )
        for place, (member, state) in enumerate(zip(members, states, strict=True)):
            self.adam.restore(place, state, member.fit.standing.step)
            member.training.stack, member.training.place = self, place
        batch = trainings[0].batch
        piece = min(batch, max(1, STACKED_ROWS // len(members)))
        self._engine = StackedEngine(self._stack, piece)
        self._table: tuple[Tensor, Tensor] | None = None
        counts = [training.samples.count for training in trainings]
        if sum(counts) <= TABLE_LIMIT:
            pieces = [part for one in trainings for part in one.samples.pieces(TABLE_LIMIT)]
            coordinates, targets = zip(*pieces, strict=True)
            self._table = torch.cat(coordinates), torch.cat(targets)
        self._begins = torch.tensor([sum(counts[:place]) for place in range(len(counts))])

    def step(self, factors: Sequence[float]) -> Tensor:
        """Take a step of every fit; return the losses before it (fits,)."""
        losses = self._engine.step(*self._batch())
        self.adam.step(factors)
        return losses

    def release(self) -> None:
        """Give every network its weights back."""
        self._stack.release()

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Return the next batch's coordinates (fits, batch, in) and targets (fits, batch, out)."""
        drawn = [training.draw() for training in self._trainings]
        if self._table is not None:
            indices = torch.stack(drawn).add_(self._begins[:, None])  # (fits, batch)
            return self._table[0][indices], self._table[1][indices]
        parts = [
            training.samples.batch(indices)
            for training, indices in zip(self._trainings, drawn, strict=True)
        ]
        return torch.stack([part[0] for part in parts]), torch.stack([part[1] for part in parts])


def _train(members: Sequence[_Member], group: Group, clock: _SharedClock) -> None:
    """Step until every fit has ended; those that end leave the stack."""
    for member in members:
        member.advance(None)
    waiting = list(members)
    while waiting:
        running = [member for member in waiting if member.running]
        if running:
            _step_while_complete(running, clock)
        for member in waiting:
            if not member.running:
                member.finish(group)
        waiting = [member for member in running if member.running]


def _step_while_complete(members: Sequence[_Member], clock: _SharedClock) -> None:
    stack = _TrainingStack(members)
    try:
        while all(member.running for member in members):
            begin = time.perf_counter()
            losses = stack.step([member.factor for member in members])
            for member, loss in zip(members, losses, strict=True):
                member.advance(loss)
            clock.seconds += (time.perf_counter() - begin) / len(members)
    finally:
        stack.release()
