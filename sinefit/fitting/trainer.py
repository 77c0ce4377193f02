"""A stack of networks in training: everything that steps change, and how to put it back."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.adam import Adam, bounds_of, rows_of
from sinefit.engines.objective import Batch
from sinefit.networks.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from sinefit.engines.engine import Engine, Work
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.samples import BatchOrder, TrainingSamples
    from sinefit.initializers.base import TrainingRules

TABLE_LIMIT: Final = 2**22
"""Samples of all members up to which they are laid out once, and not gathered anew every step."""


@dataclasses.dataclass(frozen=True)
class Member:
    """One network that is trained, and what it is trained on."""

    network: Network
    """Its starting weights, a stack of one."""
    rates: Mapping[str, float | Tensor]
    """Peak learning rate of each parameter."""
    rules: TrainingRules
    samples: TrainingSamples
    order: BatchOrder


class Trainer:
    """Takes the steps of a stack: draws batches, asks the engine for gradients, applies Adam."""

    def __init__(self, plan: FitPlan, members: Sequence[Member]) -> None:
        """Begin with the members' starting weights.

        Raises torch.OutOfMemoryError where the device has no room even for parts of one sample.
        """
        self._plan = plan
        self._members = list(members)
        self._precision = plan.precision
        self._piece = plan.piece
        self._set_up([member.network for member in members])

    @property
    def network(self) -> Network:
        """The stack with its present weights."""
        return self._network

    @property
    def piece(self) -> int:
        """Targets per member that the engine works on at a time."""
        return self._piece

    def advance(self, factors: Sequence[Sequence[float]]) -> Tensor:
        """Take a step per entry, each member at its factor times its learning rates.

        Returns each member's sum of the losses before the steps (members,), on the device.
        """
        total = torch.zeros(self._network.members, device=self._network.device)
        for step in factors:
            total += self._step(step)
        return total

    def refine(self) -> None:
        """Take all further steps in the plan's last precision."""
        if self._precision != self._plan.last_precision:
            self._precision = self._plan.last_precision
            self._make_engine()

    def state(self, place: int) -> dict[str, Tensor]:
        """Return all that steps change of a member besides its weights, by name, on the CPU."""
        return {**self._members[place].order.state(), **self._adam.state(place)}

    def restore(
        self, place: int, weights: Network, state: Mapping[str, Tensor], steps: int
    ) -> None:
        """Put back a member's weights and what `state` returned of it after `steps` steps."""
        self._network.values[place].copy_(weights.values[0])
        self._members[place].order.restore(state)
        self._adam.restore(place, state, steps)

    def leave(self, places: Sequence[int], steps: Sequence[int]) -> None:
        """Go on without the members at these places; `steps` is how many each member has taken."""
        staying = [place for place in range(len(self._members)) if place not in places]
        states = [self._adam.state(place) for place in staying]
        networks = [self._network.member(place) for place in staying]
        self._members = [self._members[place] for place in staying]
        self._set_up(networks)
        for place, state in enumerate(states):
            self._adam.restore(place, state, steps[staying[place]])

    def _set_up(self, networks: Sequence[Network]) -> None:
        plan, members = self._plan, self._members
        self._network = Network.stack(networks).to(plan.device)
        self._adam = Adam(
            self._network,
            rows_of(self._network, [member.rates for member in members], 0.0),
            bounds_of(self._network, [member.rules.bounds for member in members]),
            update=plan.engine.update(plan.device),
        )
        self._table = _Table.of([member.samples for member in members])
        self._make_engine()

    def _make_engine(self) -> None:
        """Allocate the engine, with smaller parts where the device has no room for larger ones."""
        self._recorded: RecordedStep | None = None
        while True:
            work = self._plan.work(len(self._members), self._piece)
            try:
                self._engine = self._plan.engine.make(self._network, work, self._precision)
                break
            except torch.OutOfMemoryError:
                self._halve()
        if self._plan.device.type == "cuda" and self._table is not None:
            self._recorded = RecordedStep(
                lambda indices: self._engine.step(self._table(indices)), self._adam, ...
            )

    def _halve(self) -> None:
        """Work on half as many targets at a time, with the same result but for the order of sums.

        Raises the error at hand where there is nothing to halve.
        """
        if self._piece == 1 or not self._plan.engine.in_parts:
            raise
        self._piece = (self._piece + 1) // 2

    def _draw(self) -> Batch:
        """Return the next batch of every member."""
        drawn = [member.order.draw() for member in self._members]
        if len(drawn) == 1:
            coordinates, targets = self._members[0].samples.batch(drawn[0])
            return Batch(coordinates[None], targets[None])
        if self._table is not None:
            indices = torch.stack(drawn).add_(self._begins)  # (members, batch)
            return Batch(self._table[0][indices], self._table[1][indices])
        parts = [
            member.samples.batch(indices)
            for member, indices in zip(self._members, drawn, strict=True)
        ]
        return Batch(torch.stack([part[0] for part in parts]), torch.stack([part[1] for part in parts]))
