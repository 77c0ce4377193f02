"""The group of a stack whose turn it is: its samples, its engine and the steps that it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from sinefit.engines.objective import Batch
from sinefit.engines.recorded import RecordedSteps
from sinefit.fitting.draws import offsets_of
from sinefit.fitting.samples import TABLE_BYTES
from sinefit.fitting.turns import STACKED_ROWS
from sinefit.native.shuffles import Shuffles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from sinefit.engines.adam import Adam
    from sinefit.engines.engine import Engine, EngineKind, Precision, Work
    from sinefit.engines.recorded import Recorder
    from sinefit.fitting.draws import Member
    from sinefit.fitting.samples import TrainingSamples
    from sinefit.networks.network import Network


class Workspace:
    """How much a device works on at a time: as planned, or less where it has no room for that."""

    def __init__(self, work: Work, kind: EngineKind) -> None:
        self.work = work
        self.kind = kind
        self.lacks_memory = False
        """Whether the device had no room for as many targets at a time as were planned."""

    def of(self, members: int) -> Work:
        """Return what an engine does for a group of so many members."""
        work = replace(self.work, members=members)
        if members > 1 and work.device.type == "cpu":
            work = replace(work, targets=min(work.targets, max(1, STACKED_ROWS // members)))
        return work

    def halve(self, members: int, error: torch.OutOfMemoryError) -> None:
        """Work on half as many targets at a time; raises the error where nothing can be halved."""
        piece = self.of(members).targets
        if piece == 1 or not self.kind.in_parts:
            raise error
        self.work = replace(self.work, targets=piece).halved()
        self.lacks_memory = True


class OpenGroup:
    """What trains a group, allocated for as long as it has its turn."""

    def __init__(
        self,
        members: Sequence[Member],
        network: Network,
        adam: Adam,
        space: Workspace,
        precision: Precision,
        recorder: Recorder | None = None,
    ) -> None:
        """Allocate what trains members, in smaller parts where the device has no room."""
        self._members = members
        self._network = network
        self._adam = adam
        self._space = space
        self._precision = precision
        self._recorder = recorder
        self._engine: Engine | None = None
        self._recorded: RecordedSteps | None = None
        self._table: Tensor | None = None
        self._samples: list[TrainingSamples] = []
        offsets = offsets_of(members)
        self._offsets = None if offsets is None else offsets.to(network.values)
        lengths = [member.parts.count_in(member.number) for member in members]
        row = network.size.in_features + network.size.out_features
        if len(members) > 1 and 4 * row * sum(lengths) <= TABLE_BYTES:
            self._table = torch.cat([member.parts.table(member.number) for member in members])
            self._begins = torch.tensor(
                [sum(lengths[:place]) for place in range(len(lengths))], device=self._table.device
            )
        else:
            self._samples = [member.parts.of(member.number) for member in members]
        self._allocate()

    @property
    def engine(self) -> Engine:
        """What computes the gradients."""
        assert self._engine is not None
        return self._engine

    @property
    def is_resident(self) -> bool:
        """Whether it is one network with its samples on the device."""
        return len(self._samples) == 1 and self._samples[0].resident

    @property
    def launch_failure(self) -> str | None:
        """Why a CUDA device is told every part of every step anew, None as long as it is not."""
        return None if self._recorded is None else self._recorded.failure

    def take(self, indices: Tensor | Shuffles, factors: Tensor) -> Tensor:
        """Take steps, see `StackTraining.take`, one by one or from recordings."""
        assert not isinstance(indices, Shuffles)
        if self._recorded is not None:
            return self._take_recorded(indices, factors)
        total = torch.zeros(len(self._members), device=self._network.device)
        for drawn, each in zip(indices, factors.tolist(), strict=True):
            total += self._step(drawn, each)
        return total

    def _allocate(self) -> None:
        """Make the engine, and record its steps where a device repeats them."""
        members = len(self._members)
        while True:
            self._recorded = self._engine = None  # its buffers go before new ones are asked for
            try:
                work = self._space.of(members)
                self._engine = self._space.kind.make(self._network, work, self._precision)
                self._recorded = self._recording(self._members[0].order.size)
                return
            except torch.OutOfMemoryError as error:
                self._engine = None
                self._space.halve(members, error)

    def _recording(self, batch: int) -> RecordedSteps | None:
        """Record the steps of the group, None where a device cannot repeat them."""
        if self._recorder is None or not self.is_resident:
            return None
        return RecordedSteps(
            lambda indices: self._gather(indices[None]),
            self.engine,
            self._adam,
            torch.zeros(batch, dtype=torch.int64, device=self._network.device),
            self._recorder,
        )

    def _take_recorded(self, indices: Tensor, factors: Tensor) -> Tensor:
        """Take steps of one network from recordings."""
        total, done = torch.zeros(1, device=self._network.device), 0
        while True:
            recorded = self._recorded
            assert recorded is not None
            try:
                return total + recorded.take(indices[done:, 0], factors[done:])
            except torch.OutOfMemoryError as error:
                total += recorded.sums
                done += recorded.taken
                self._space.halve(len(self._members), error)
            del recorded
            self._allocate()

    def _step(self, drawn: Tensor, factors: Sequence[float]) -> Tensor:
        """Take one step on the samples of these numbers (members, batch)."""
        batch = self._gather(drawn)
        while True:
            try:
                losses = self.engine.step(batch)
                break
            except torch.OutOfMemoryError as error:
                self._space.halve(len(self._members), error)
            self._allocate()
        self._adam.step(self.engine.gradient, factors)
        return losses

    def _gather(self, drawn: Tensor) -> Batch:
        """Return the samples of these numbers (members, batch), at the points of their targets."""
        batch = self._centres(drawn)
        return batch if self._offsets is None else batch.spread(self._offsets)

    def _centres(self, drawn: Tensor) -> Batch:
        """Return the samples of these numbers (members, batch), at their centres."""
        if self._table is None:
            if len(self._samples) == 1:  # resident ones need not be copied
                coordinates, targets = self._samples[0].batch(drawn[0])
                return Batch(coordinates[None], targets[None])
            batches = [one.batch(each) for one, each in zip(self._samples, drawn, strict=True)]
            parts = [torch.stack(part) for part in zip(*batches, strict=True)]
            return Batch(parts[0], parts[1])
        indices = drawn.to(self._table.device) + self._begins[:, None]
        rows = self._table[indices]  # (members, batch, features + channels)
        features = self._network.size.in_features
        return Batch(rows[..., :features], rows[..., features:])
