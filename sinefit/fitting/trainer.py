"""A stack of networks in training: everything that steps change, and how to put it back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.adam import Adam, bounds_of, rows_of
from sinefit.engines.objective import Batch
from sinefit.engines.recorded import CudaRecorder, RecordedStep
from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.samples import BatchOrder
from sinefit.networks.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from sinefit.engines.engine import Engine
    from sinefit.engines.recorded import Recorder
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.samples import TrainingSamples

STACKED_ROWS: Final = 4096
"""Samples, of all members of a stack, that are worked on at a time: as many as caches hold."""
TABLE_LIMIT: Final = 2**22
"""Samples of all members up to which they are laid out once, and not gathered anew every step."""


class Trainer:
    """Takes the steps of a stack: draws batches, asks the engine for gradients, applies Adam.

    Its members are fits of one plan but for what is their own: weights, rates, samples.
    """

    def __init__(
        self,
        plans: Sequence[FitPlan],
        samples: Sequence[TrainingSamples],
        recorder: Recorder | None = None,
    ) -> None:
        """Begin with the plans' starting weights, each on its samples.

        `recorder` records the steps of one network on resident samples, to repeat them; a CUDA
        device brings its own for an engine that can be recorded.

        Raises torch.OutOfMemoryError where the device has no room even for parts of one sample.
        """
        self._plans = list(plans)
        self._samples = list(samples)
        self._orders = [
            BatchOrder(
                one.count,
                plan.batch,
                torch.Generator(one.device if one.resident else "cpu").manual_seed(
                    plan.config.seed
                ),
            )
            for plan, one in zip(plans, samples, strict=True)
        ]
        work = plans[0].work
        self._work = work
        if len(plans) > 1:
            targets = min(work.targets, max(1, STACKED_ROWS // len(plans)))
            self._work = replace(work, members=len(plans), targets=targets)
        self._precision = plans[0].precision
        on_cuda = work.device.type == "cuda"
        if recorder is None and on_cuda and plans[0].engine.can_be_recorded:
            recorder = CudaRecorder(work.device)
        self._recorder = recorder
        self._lacks_memory = False
        self._set_up([plan.start for plan in plans])

    @property
    def network(self) -> Network:
        """The stack with its present weights."""
        return self._network

    @property
    def piece(self) -> int:
        """Targets per member that the engine works on at a time."""
        return self._work.targets

    @property
    def lacks_memory(self) -> bool:
        """Whether the device had no room for as many at a time as were planned."""
        return self._lacks_memory

    @property
    def launch_failure(self) -> str | None:
        """Why a CUDA device is told every part of every step anew, None as long as it is not."""
        return None if self._recorded is None else self._recorded.failure

    def advance(self, factors: Sequence[Sequence[float]]) -> Tensor:
        """Take a step per entry, each member at its factor times its learning rates.

        Returns each member's sum of the losses before the steps (members,), on the device.
        """
        total = torch.zeros(self._network.members, device=self._network.device)
        # Threads of torch's wait by looking out, and would keep the cores from the engine's own.
        with cpu_threads(1 if self._plans[0].engine.has_own_threads else None):
            for step in factors:
                total += self.step_on([order.draw() for order in self._orders], step)
        return total

    def step_on(self, drawn: Sequence[Tensor], factors: Sequence[float]) -> Tensor:
        """Take a step on the samples of these numbers, (batch,) for each member.

        Returns the losses before it (members,). A device without memory for a part gets parts of
        half the size, with the same result but for the order of sums.
        """
        if self._recorded is not None:
            return self._recorded(drawn[0], factors)
        batch = self._gather(drawn)
        while True:
            try:
                losses = self._engine.step(batch)
                break
            except torch.OutOfMemoryError as error:
                self._halve(error)
            self._make_engine()
        self._adam.step(self._engine.gradient, factors)
        return losses

    def refine(self) -> None:
        """Take all further steps in the plan's last precision."""
        if self._precision != self._plans[0].last_precision:
            self._precision = self._plans[0].last_precision
            self._make_engine()

    def state(self, place: int) -> dict[str, Tensor]:
        """Return all that steps change of a member besides its weights, by name, on the CPU."""
        return {**self._orders[place].state(), **self._adam.state(place)}

    def restore(
        self, place: int, weights: Network, state: Mapping[str, Tensor], steps: int
    ) -> None:
        """Put back a member's weights and what `state` returned of it after `steps` steps."""
        self._network.values[place].copy_(weights.values[0])
        self._orders[place].restore(state)
        self._adam.restore(place, state, steps)

    def leave(self, places: Sequence[int]) -> None:
        """Go on without the members at these places."""
        staying = [place for place in range(len(self._plans)) if place not in places]
        states = [(self._adam.state(place), self._adam.steps[place]) for place in staying]
        networks = [self._network.member(place) for place in staying]
        self._plans = [self._plans[place] for place in staying]
        self._samples = [self._samples[place] for place in staying]
        self._orders = [self._orders[place] for place in staying]
        self._work = replace(self._work, members=len(staying))
        self._set_up(networks)
        for place, (state, steps) in enumerate(states):
            self._adam.restore(place, state, steps)

    def _set_up(self, networks: Sequence[Network]) -> None:
        plans = self._plans
        self._network = Network.stack(networks).to(self._work.device)
        self._adam = Adam(
            self._network,
            rows_of(self._network, [plan.rates.by_name for plan in plans], 0.0),
            bounds_of(self._network, [plan.rules.bounds for plan in plans]),
        )
        self._table: tuple[Tensor, Tensor] | None = None
        counts = [one.count for one in self._samples]
        if len(plans) > 1 and sum(counts) <= TABLE_LIMIT:
            parts = [part for one in self._samples for part in one.pieces(TABLE_LIMIT)]
            coordinates, targets = zip(*parts, strict=True)
            self._table = torch.cat(coordinates), torch.cat(targets)
        self._begins = torch.tensor([sum(counts[:place]) for place in range(len(counts))])
        self._make_engine()

    def _make_engine(self) -> None:
        """Allocate the engine, with smaller parts where the device has no room for larger ones."""
        self._recorded: RecordedStep | None = None
        self._engine: Engine
        if hasattr(self, "_engine"):
            del self._engine  # its buffers go before new ones are asked for
        while True:
            try:
                self._engine = self._plans[0].engine.make(
                    self._network, self._work, self._precision
                )
                break
            except torch.OutOfMemoryError as error:
                self._halve(error)
        samples = self._samples[0]
        if self._recorder is not None and self._work.members == 1 and samples.resident:
            self._recorded = RecordedStep(
                lambda indices: self._gather([indices]),
                self._engine,
                self._adam,
                torch.zeros(self._orders[0].size, dtype=torch.int64, device=samples.device),
                self._recorder,
            )

    def _halve(self, error: torch.OutOfMemoryError) -> None:
        """Work on half as many targets at a time; raises the error where nothing can be halved."""
        if self._work.targets == 1 or not self._plans[0].engine.in_parts:
            raise error
        self._work = self._work.halved()
        self._lacks_memory = True

    def _gather(self, drawn: Sequence[Tensor]) -> Batch:
        """Return the samples of these numbers, (batch,) for each member."""
        if len(drawn) == 1:
            coordinates, targets = self._samples[0].batch(drawn[0])
            return Batch(coordinates[None], targets[None])
        if self._table is not None:
            indices = torch.stack(list(drawn)).add_(self._begins[:, None])  # (members, batch)
            return Batch(self._table[0][indices], self._table[1][indices])
        parts = [one.batch(indices) for one, indices in zip(self._samples, drawn, strict=True)]
        return Batch(
            torch.stack([part[0] for part in parts]), torch.stack([part[1] for part in parts])
        )
