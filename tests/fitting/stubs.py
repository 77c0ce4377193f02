"""Clocks, samples and an engine that tell a test what happens, or do what it says."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Final

import pytest
import torch

from sinefit.engines.torch_engine import TORCH
from sinefit.fitting.checkpoint import decode_checkpoint, encode_checkpoint
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import make_plan, run_plan
from sinefit.fitting.report import FitStoppedError
from sinefit.fitting.samples import TrainingSamples

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.engines.engine import Engine, Precision, Work
    from sinefit.engines.objective import Batch
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.plan import FitPlan
    from sinefit.networks.network import Network
    from sinefit.signals.signal import Signal

    Dress = Callable[[torch.Tensor], torch.Tensor]


class Clock:
    """A clock that moves on by so many seconds whenever it is read."""

    def __init__(self, tick: float = 0.0) -> None:
        self.now = 0.0
        self._tick = tick

    def __call__(self) -> float:
        self.now += self._tick
        return self.now


SLOW: Final = 1.0
"""Seconds per reading of a clock by which a fit looks around after every step."""


def stopped_after_looks(signal: Signal, config: FitConfig, looks: int) -> Checkpoint:
    """Return the checkpoint, through a file, of a fit that is stopped after so many looks."""
    left = iter(range(looks))
    hooks = FitHooks(should_stop=lambda: next(left, None) is None)
    with pytest.raises(FitStoppedError) as stopped:
        run_plan(signal, make_plan(signal, config), hooks, None, Clock(SLOW))
    return decode_checkpoint(encode_checkpoint(stopped.value.checkpoint), "name")


class WatchedSamples(TrainingSamples):
    """Samples on the CPU that keep the numbers of those that were asked for."""

    def __init__(self, signal: Signal, dressed: Dress = lambda tensor: tensor) -> None:
        """`dressed` is done to whatever is handed out."""
        super().__init__(signal, torch.device("cpu"))
        self.asked: list[int] = []
        self._dressed = dressed

    def batch(self, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.asked += indices.tolist()
        coordinates, targets = super().batch(indices)
        return self._dressed(coordinates), self._dressed(targets)


class StubEngine:
    """The engine in torch operations, but for what happens before each step."""

    def __init__(self, kind: StubKind, network: Network, work: Work, precision: Precision) -> None:
        self._kind, self._work, self._precision = kind, work, precision
        self._network = network
        self._inner: Engine = TORCH.make(network, work, "float32")
        self.gradient = self._inner.gradient

    def step(self, batch: Batch) -> torch.Tensor:
        if self._work.targets > self._kind.room_to_step:
            raise torch.OutOfMemoryError("no memory for so many samples")
        self._kind.steps.append(self._precision)
        self._kind.before_step(len(self._kind.steps), self._network)
        return self._inner.step(batch)


def _nothing(_number: int, _network: Network) -> None:
    pass


class StubKind:
    """An engine for one network on the CPU, with little memory or precisions to choose from."""

    name = "stub"
    has_own_threads = False
    can_be_recorded = False

    def __init__(
        self,
        before_step: Callable[[int, Network], None] = _nothing,
        *,
        room: float = math.inf,
        room_to_step: float = math.inf,
        in_parts: bool = True,
    ) -> None:
        """Take what is called before each step, with its number from 1 and the network.

        `room` is how many targets an engine can be made for, `room_to_step` with how many it then
        manages a step.
        """
        self.before_step = before_step
        self.room, self.room_to_step, self.in_parts = room, room_to_step, in_parts
        self.steps: list[Precision] = []
        """The precision of every step that was taken."""

    def precisions(self, work: Work) -> tuple[Precision, ...]:
        return ("bfloat16", "float32") if work.members == 1 else ()

    def memory(self, work: Work) -> int:
        return TORCH.memory(work)

    def make(self, network: Network, work: Work, precision: Precision) -> StubEngine:
        if work.targets > self.room:
            raise torch.OutOfMemoryError("no memory for so many samples")
        return StubEngine(self, network, work, precision)

    def takes(self, plan: FitPlan) -> FitPlan:
        """Return the same plan, to be carried out by this engine."""
        first, last = self.precisions(plan.work)
        return dataclasses.replace(plan, engine=self, precision=first, last_precision=last)
