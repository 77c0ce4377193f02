"""A stack of networks in training: everything that steps change, and how to put it back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.adam import Adam, bounds_of
from sinefit.engines.engine import StackKind
from sinefit.engines.graphics import wait_for
from sinefit.engines.objective import Batch
from sinefit.engines.recorded import CudaRecorder, RecordedSteps
from sinefit.engines.registry import shortfalls
from sinefit.engines.state import put_back
from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.footprints import FootprintPoints
from sinefit.fitting.members import block_seed
from sinefit.fitting.orders import BatchOrder, EpochOrder, StackOrder, WholeOrder
from sinefit.fitting.rates import RateTable
from sinefit.fitting.samples import RESIDENT_SHARE, TABLE_BYTES, PartSamples, tables_fit
from sinefit.native.shuffles import Shuffles
from sinefit.networks.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from sinefit.engines.engine import Engine, StackTraining, Work
    from sinefit.engines.recorded import Recorder
    from sinefit.fitting.orders import Order
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.samples import TrainingSamples
    from sinefit.initializers.base import TrainingRules
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import Signal, SignalSpec

STACKED_ROWS: Final = 4096
"""Samples, of all members of a group, that the CPU works on at a time: as many as caches hold."""
DEVICE_ROWS: Final = 2**18
"""The same on other devices, which want more work per launch."""
ROUND: Final = 32
"""Steps that a group takes at a time, before the next one has its turn."""
LONG_ROUND: Final = 64
"""The same where the tables of all groups are too large to be kept: to make one again takes about
as long as some steps."""
SPARSE: Final = 4
"""Samples of a large block per sample of a turn's steps from which on the steps have tables of
their own samples: a row of such a table takes a few times as long as one in order."""
SLOWER: Final = 0.5
"""Share of its rates that a member which lost its way goes on with."""
SHUFFLED_BY_STACKS: Final = 2**16
"""Samples up to which the one network of a signal sees them in the order that a stack's training
draws by itself, so that it does so alone, too."""
DRAWN_AT_ONCE: Final = 2**23
"""Samples whose numbers are drawn at a time, of all members together: some 100 MB on the way."""


@dataclass(frozen=True)
class _Member:
    """A network of the stack: the block of a fit."""

    plan: FitPlan
    number: int
    """Of the block."""
    parts: PartSamples
    order: Order
    points: FootprintPoints | None
    """Where in a sample's footprint it is evaluated; None for the centre alone."""


class Trainer:
    """Takes the steps of a stack: draws batches, asks the engine for gradients, applies Adam.

    Its members are the blocks of fits of one plan but for what is their own: weights, rates,
    samples. They are trained in groups: in each all keep step, one group goes after the other.
    """

    def __init__(
        self,
        plans: Sequence[FitPlan],
        samples: Sequence[PartSamples],
        recorder: Recorder | None = None,
        wait: Callable[[torch.device], None] = wait_for,
    ) -> None:
        """Begin with the plans' starting weights, each on its samples.

        `recorder` records the steps of one network on resident samples, to repeat them; a CUDA
        device brings its own for an engine that can be recorded. `wait` waits for a device.

        Raises torch.OutOfMemoryError where the device has no room even for parts of one sample.
        """
        self._members = [
            _Member(plan, number, parts, _order(plan, number, parts), _points(plan, number))
            for plan, parts in zip(plans, samples, strict=True)
            for number in plan.numbers
        ]
        plan = plans[0]
        self._kind = plan.engine
        self._stack_kind = plan.engine if isinstance(plan.engine, StackKind) else None
        self._work = replace(plan.work, members=len(self._members))
        self._precision = plan.precision
        on_cuda = self._work.device.type == "cuda"
        if recorder is None and on_cuda and self._kind.can_be_recorded:
            recorder = CudaRecorder(self._work.device)
        self._recorder = recorder
        self._wait = wait
        self._lacks_memory = False
        self._groups: list[range] = []
        self._alone: StackTraining | None = None
        self._stack_orders: dict[range, StackOrder] = {}
        self._known_rows: dict[tuple[int, str], Tensor] = {}
        """Rows of the tables of fits of one network, by plan and table."""
        starts = [plan.start for plan in plans]
        start = starts[0] if len(starts) == 1 else Network.stack(starts)
        self._set_up(start.astype(self._work.dtype))

    @property
    def network(self) -> Network:
        """The stack with its present weights."""
        return self._network

    @property
    def steps(self) -> list[int]:
        """Steps that each member has taken."""
        return [int(steps) for steps in self._adam.steps]

    def steps_of(self, places: range) -> list[int]:
        """Return the steps that the members at these places have taken."""
        found: list[int] = self._adam.steps[places.start : places.stop].tolist()
        return found

    @property
    def piece(self) -> int:
        """Targets per member that the engine works on at a time."""
        return self._work_of(len(self._open)).targets

    @property
    def lacks_memory(self) -> bool:
        """Whether the device had no room for as many at a time as were planned."""
        return self._lacks_memory

    @property
    def launch_failure(self) -> str | None:
        """Why a CUDA device is told every part of every step anew, None as long as it is not."""
        return None if self._recorded is None else self._recorded.failure

    def advance(
        self, goals: Sequence[int], factors: Sequence[Callable[[int], float]]
    ) -> Iterator[tuple[range, Tensor]]:
        """Bring every member to its goal, a number of steps in all, one group after the other.

        Each member has a function from the number of a step, from 0, to the factor on its learning
        rates. Yields after each group the places of its members and the sums of their
        losses before these steps (members,), on the device. Members that are there already take no
        steps.
        """
        for group in self._groups:
            taken = [int(steps) for steps in self._adam.steps[group.start : group.stop]]
            count = goals[group.start] - taken[0]
            if count <= 0:
                continue
            rates = _rows_of_factors([factors[place] for place in group], taken, count)
            sparse = self._is_sparse(group, count)
            take = self._take_sparse if sparse else self.take
            size = len(group) * self._members[group.start].order.size
            if self._work.points > 1:
                size *= self._work.points * self._work.size.in_features
            total = torch.zeros(len(group), device=self._network.device)
            for begin in range(0, count, most := max(1, DRAWN_AT_ONCE // size)):
                steps = min(most, count - begin)
                indices = self._draw(group, [each + begin for each in taken], steps)
                total += take(group, indices, rates[begin : begin + steps])
            yield group, total

    def _draw(self, group: range, taken: Sequence[int], steps: int) -> Tensor | Shuffles:
        """Return the samples (steps, members, batch) of a group's next steps.

        What trains a stack draws those of shuffled epochs itself.
        """
        orders = [self._members[place].order for place in group]
        in_step = len(set(taken)) == 1  # fits that go on from checkpoints need not be
        if in_step and all(isinstance(order, EpochOrder) for order in orders):
            drawn = self._stack_order(group).draw(taken[0], steps)
            return drawn if self._stack_kind is not None else drawn.indices()
        pairs = zip(orders, taken, strict=True)
        return torch.stack([order.draw(each, steps) for order, each in pairs], dim=1)

    def _stack_order(self, group: range) -> StackOrder:
        """Return the order of a group's samples, on the device that draws them."""
        if group not in self._stack_orders:
            members = self._members[group.start : group.stop]
            self._stack_orders[group] = StackOrder(
                [member.parts.count_in(member.number) for member in members],
                members[0].order.size,
                [block_seed(member.plan.config.seed, member.number) for member in members],
                self._work.device if self._stack_kind is not None else "cpu",
            )
        return self._stack_orders[group]

    def take(
        self,
        group: range,
        indices: Tensor | Shuffles,
        factors: Tensor | Sequence[Sequence[float]],
    ) -> Tensor:
        """Take steps of a group on samples (steps, members, batch) at factors (steps, members).

        Shuffles instead of samples are for stacks that an engine trains by itself.

        Returns the sums of the losses before the steps (members,). A device without memory for a
        part gets parts of half the size, with the same result but for the order of sums.
        """
        factors = torch.as_tensor(factors, dtype=torch.float64)
        # Threads of torch's wait by looking out, and would keep the cores from the engine's own.
        with cpu_threads(1 if self._kind.has_own_threads else None):
            if group != self._open or self._is_closed:
                self._begin(group)
            if isinstance(indices, Shuffles):
                offsets = self._offsets(group, indices.steps, indices.size)
            else:
                offsets = self._offsets(group, *indices.shape[::2])
            if self._alone is not None:
                return self._alone.take(indices, factors, offsets)
            assert not isinstance(indices, Shuffles)
            if self._recorded is not None:
                return self._take_recorded(indices, factors)
            total = torch.zeros(len(group), device=self._network.device)
            for step, (drawn, each) in enumerate(zip(indices, factors.tolist(), strict=True)):
                total += self._step(drawn, each, None if offsets is None else offsets[step])
            return total

    def _offsets(self, group: range, steps: int, batch: int) -> Tensor | None:
        """Return the points of a group's next targets, (steps, members, batch, points, axes).

        They are offsets from the samples' centres; None where a target is met at its centre.
        """
        drawn = []
        for place in group:
            points = self._members[place].points
            if points is None:
                return None
            drawn.append(points.draw(int(self._adam.steps[place]), steps, batch))
        return torch.stack(drawn, dim=1)

    def _is_sparse(self, group: range, count: int) -> bool:
        """Tell whether so many steps of a group are worth no tables of all its samples."""
        plan = self._members[group.start].plan
        return (
            len(self._groups) > 1
            and self._stack_kind is not None
            and not self._members[group.start].parts.keeps
            and SPARSE * count * plan.batch <= plan.fewest
        )

    def _take_sparse(self, group: range, indices: Tensor | Shuffles, factors: Tensor) -> Tensor:
        """Do as `take` does with tables of the samples of these steps alone."""
        assert self._stack_kind is not None
        self._alone, self._open, self._is_closed = None, group, True
        indices = indices.indices() if isinstance(indices, Shuffles) else indices
        steps, members, batch = indices.shape
        tables = []
        for place, member in enumerate(self._members[group.start : group.stop]):
            tables.append(member.parts.rows_at(member.number, indices[:, place].flatten().cpu()))
        adam = self._adam_of(group)
        places = torch.arange(steps * batch).view(steps, 1, batch).expand(steps, members, batch)
        with cpu_threads(1 if self._kind.has_own_threads else None):
            training = self._stack_kind.make_training(
                self._network.part(group), adam, tables, self._work, self._precision
            )
            return training.take(places, factors, self._offsets(group, steps, batch))

    @property
    def steps_together(self) -> int:
        """Steps of a round that are worth changing from one group to the next for."""
        plan = self._members[0].plan
        is_part = len(self._members) < plan.blocks.count
        # Of a part they are those of the whole, so that its losses are looked at as often.
        if len(self._groups) == 1 and not (is_part and plan.blocks.count > self._group_size()):
            return 1
        return round_steps(plan.spec, plan.blocks)

    @property
    def first_group(self) -> range:
        """The members that are trained first."""
        return self._groups[0]

    def change(self) -> None:
        """Begin with the first group again, as if it had its next turn."""
        self._begin(self._groups[0])

    def rehearse(self) -> None:
        """Have a device make and try all that steps need, in each precision, and change nothing.

        To be called before the first step: kernels are compiled here and not when they are due.
        """
        device, group = self._work.device, self._groups[0]
        if device.type == "cpu" and self._recorder is None:
            return
        first, last = self._precision, self._members[0].plan.last_precision
        changed = (self._network.values, *self._adam.averages)
        kept = [each[group.start : group.stop].clone() for each in changed]
        steps = self._adam.steps.copy()
        shape = (1, len(group), self._members[group.start].order.size)
        resident = len(self._samples) == 1 and self._samples[0].resident
        indices = torch.zeros(shape, dtype=torch.int64, device=device if resident else "cpu")
        for precision in dict.fromkeys((last, first)):
            self._precision = precision
            self._begin(group)
            self.take(group, indices, torch.zeros(shape[:2]))
        for each, before in zip(changed, kept, strict=True):
            each[group.start : group.stop] = before
        self._adam.steps[:] = steps
        self.wait()

    def wait(self) -> None:
        """Wait until the device has taken the steps that it was told to."""
        self._wait(self._work.device)

    @property
    def notices(self) -> list[str]:
        """What the machine lacks for the steps to be as fast as planned, a sentence each."""
        told = [*self._shortfalls]
        if self._lacks_memory:
            told.append(
                f"the device has too little memory: working on {self.piece} samples at a time"
            )
        if self.launch_failure is not None:
            told.append(
                f"the device cannot record steps ({self.launch_failure}): their parts are "
                "launched one by one"
            )
        return told

    def refine(self) -> None:
        """Take all further steps in the plan's last precision."""
        last = self._members[0].plan.last_precision
        if self._precision != last:
            self._precision = last
            self._begin(self._open)

    def put_back(self, places: Sequence[int], rows: Tensor) -> None:
        """Have members go on from rows of weights at half their rates, as if from a standstill."""
        self._network.values[list(places)] = rows
        self._adam.restart(places, SLOWER)

    def state(self, places: range) -> dict[str, Tensor]:
        """Return all that steps change of a fit's members besides their weights, on the CPU.

        With weights that a field, of float32, would round, these as well.
        """
        orders = [self._members[place].order.state() for place in places]
        found = orders[0] if len(places) == 1 else {}
        if self._work.dtype != torch.float32:
            found = {**found, "weights": self._network.part(places).values.cpu().clone()}
        return {**found, **self._adam.state(places)}

    def restore(self, places: range, weights: Network, state: Mapping[str, Tensor]) -> None:
        """Put back the weights of a fit's members and what `state` returned of them."""
        own = self._network.part(places).values
        if self._work.dtype == torch.float32:
            own.copy_(weights.values)
        else:
            put_back(own, state, "weights", "its exact weights do not fit the network")
        if len(places) == 1:
            self._members[places.start].order.restore(state)
        self._adam.restore(places, state)
        groups = self._grouped()
        if groups != self._groups:
            self._groups = groups
            self._begin(groups[0])

    def leave(self, places: Sequence[int]) -> None:
        """Go on without the members at these places."""
        leaving = set(places)
        staying = [place for place in range(len(self._members)) if place not in leaving]
        network = self._network.chosen(staying)
        adam = self._adam.chosen(staying, network)
        self._members = [self._members[place] for place in staying]
        self._work = replace(self._work, members=len(staying))
        self._set_up(network, adam)

    def end(self) -> None:
        """Let go of all that steps need: what comes after them has the memory."""
        self._adam.end()
        del self._part_of_adam, self._network, self._members
        del self._engine, self._alone, self._recorded, self._table, self._samples

    def _set_up(self, network: Network, adam: Adam | None = None) -> None:
        """Begin anew with these weights, or go on with what updates them."""
        self._shortfalls = shortfalls(self._work)
        self._network = network.to(self._work.device)
        self._adam = adam or Adam(self._network, constants=self._members[0].plan.adam)
        self._groups = self._grouped()
        self._stack_orders.clear()
        self._is_bounded = bool(self._rules(0).bounds)
        for group in self._groups if self._is_bounded else []:
            self._adam.part(group, bounds=self._bounds(group))  # they hold before the first step
        self._begin(self._groups[0])

    def _adam_of(self, group: range) -> Adam:
        """Return what updates a group's weights."""
        rates = self._spread(group, RateTable.rows)
        gains = self._spread(group, RateTable.scales) if self._work.has_gains else None
        return self._adam.part(group, rates, self._bounds(group), gains)

    def _spread(
        self, group: range, rows_of: Callable[[RateTable, Network, range], Tensor]
    ) -> Tensor:
        """Return rows of the tables of a group's plans (members, count)."""
        members = self._members[group.start : group.stop]
        rows = []
        for _, run in groupby(members, lambda member: id(member.plan)):
            first, *others = run
            numbers = range(first.number, first.number + 1 + len(others))
            key = id(first.plan), rows_of.__name__
            found = self._known_rows.get(key)
            if found is None:
                found = rows_of(first.plan.rates, self._network, numbers)
                if first.plan.is_stacked:  # it is asked for whenever another fit leaves
                    self._known_rows[key] = found
            rows.append(found)
        return rows[0] if len(rows) == 1 else torch.cat(rows)

    def _bounds(self, group: range) -> Tensor | None:
        """Return the largest magnitudes of a group's weights (members, count), None without."""
        if not self._is_bounded:
            return None
        return bounds_of(self._network.part(group), [self._rules(place).bounds for place in group])

    def _rules(self, place: int) -> TrainingRules:
        """Return the rules for a member with its present weights."""
        member = self._members[place]
        return member.plan.members.rules(member.number, self._network.member(place))

    def _grouped(self) -> list[range]:
        """Return the places of the members that keep step, group by group.

        Those of several fits do, whose clocks are one. Of a round that was stopped on a machine
        with other groups, members that have taken different numbers of steps are kept apart.
        """
        first, steps = self._members[0].plan, self.steps
        if first.blocks.count < len(steps):
            return [range(len(steps))]
        size = self._group_size()
        groups, begin = [], 0
        for place in range(1, len(steps) + 1):
            full = place in (len(steps), begin + size)
            if full or steps[place] != steps[begin]:
                groups.append(range(begin, place))
                begin = place
        return groups

    def _group_size(self) -> int:
        """Return how many blocks of one fit are trained at once."""
        if self._stack_kind is not None:
            return min(self._stack_kind.together, self._resident_members())
        rows = STACKED_ROWS if self._work.device.type == "cpu" else DEVICE_ROWS
        return max(1, rows // self._members[0].plan.batch)

    def _resident_members(self) -> int:
        """Return of how many members a device has memory for the tables."""
        if self._work.device.type != "cuda":
            return max(len(self._members), self._members[0].plan.blocks.count)
        plan = self._members[0].plan
        samples = max(plan.blocks.samples_in(number) for number in range(plan.blocks.count))
        row = self._network.size.in_features + self._network.size.out_features
        free, _ = torch.cuda.mem_get_info(self._work.device)
        return max(1, int(free * RESIDENT_SHARE) // (4 * row * samples))

    def _begin(self, group: range) -> None:
        """Allocate what trains a group, in smaller parts where the device has no room."""
        self._open, self._is_closed = group, False
        self._recorded: RecordedSteps | None = None
        self._engine: Engine | None = None  # its buffers go before new ones are asked for
        self._alone = None
        members = self._members[group.start : group.stop]
        part = self._network.part(group)
        self._part_of_adam = self._adam_of(group)
        self._table: Tensor | None = None
        self._samples: list[TrainingSamples] = []
        if self._stack_kind is not None:
            tables = [member.parts.table(member.number) for member in members]
            self._alone = self._stack_kind.make_training(
                part, self._part_of_adam, tables, self._work, self._precision
            )
            return
        lengths = [member.parts.count_in(member.number) for member in members]
        row = self._network.size.in_features + self._network.size.out_features
        if len(members) > 1 and 4 * row * sum(lengths) <= TABLE_BYTES:
            self._table = torch.cat([member.parts.table(member.number) for member in members])
            self._begins = torch.tensor(
                [sum(lengths[:place]) for place in range(len(lengths))], device=self._table.device
            )
        else:
            self._samples = [member.parts.of(member.number) for member in members]
        while True:
            try:
                self._engine = self._kind.make(part, self._work_of(len(members)), self._precision)
                self._recorded = self._recording(members[0].order.size)
                break
            except torch.OutOfMemoryError as error:
                self._engine = None
                self._halve(error)

    def _recording(self, batch: int) -> RecordedSteps | None:
        """Record the steps of the open group, None where a device cannot repeat them."""
        if self._recorder is None or len(self._samples) != 1 or not self._samples[0].resident:
            return None
        assert self._engine is not None
        return RecordedSteps(
            lambda indices: self._gather(indices[None]),
            self._engine,
            self._part_of_adam,
            torch.zeros(batch, dtype=torch.int64, device=self._network.device),
            self._recorder,
        )

    def _work_of(self, members: int) -> Work:
        """Return what an engine does for a group."""
        work = replace(self._work, members=members)
        if members > 1 and work.device.type == "cpu":
            work = replace(work, targets=min(work.targets, max(1, STACKED_ROWS // members)))
        return work

    def _take_recorded(self, indices: Tensor, factors: Tensor) -> Tensor:
        """Take steps of the open group, of one network, from recordings."""
        total, done = torch.zeros(1, device=self._network.device), 0
        while True:
            recorded = self._recorded
            assert recorded is not None
            try:
                return total + recorded.take(indices[done:, 0], factors[done:])
            except torch.OutOfMemoryError as error:
                total += recorded.sums
                done += recorded.taken
                self._halve(error)
            self._begin(self._open)

    def _step(self, drawn: Tensor, factors: Sequence[float], offsets: Tensor | None) -> Tensor:
        """Take one step of the open group on the samples of these numbers (members, batch)."""
        batch = self._gather(drawn)
        if offsets is not None:
            batch = batch.spread(offsets.to(batch.coordinates.device))
        while True:
            assert self._engine is not None
            try:
                losses = self._engine.step(batch)
                break
            except torch.OutOfMemoryError as error:
                self._halve(error)
            self._begin(self._open)
        self._part_of_adam.step(self._engine.gradient, factors)
        return losses

    def _halve(self, error: torch.OutOfMemoryError) -> None:
        """Work on half as many targets at a time; raises the error where nothing can be halved."""
        if self.piece == 1 or not self._kind.in_parts:
            raise error
        self._work = replace(self._work, targets=self.piece).halved()
        self._lacks_memory = True

    def _gather(self, drawn: Tensor) -> Batch:
        """Return the samples of these numbers (members, batch)."""
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


def samples_of(plan: FitPlan, signal: Signal) -> PartSamples:
    """Return the samples that a plan's networks are trained on."""
    device, holdout = plan.machine.device, plan.config.holdout
    met = plan.trained_on(signal)
    return PartSamples(met, plan.blocks, device, dtype=plan.work.dtype, holdout=holdout)


def _rows_of_factors(
    factors: Sequence[Callable[[int], float]], taken: Sequence[int], count: int
) -> Tensor:
    """Return the factors (count, members), float64, of members that have taken so many steps.

    Members of one fit have one function, which is not asked for each of them.
    """
    known: dict[tuple[Callable[[int], float], int], Tensor] = {}
    for key in zip(factors, taken, strict=True):
        if key not in known:
            factor, steps = key
            values = [factor(steps + ahead) for ahead in range(count)]
            known[key] = torch.tensor(values, dtype=torch.float64)
    return torch.stack([known[key] for key in zip(factors, taken, strict=True)], dim=1)


def round_steps(spec: SignalSpec, blocks: BlockGrid) -> int:
    """Return the steps of a round in which groups of a signal's blocks take turns."""
    return ROUND if tables_fit(spec, blocks) else LONG_ROUND


def _points(plan: FitPlan, number: int) -> FootprintPoints | None:
    """Return what draws the points of a member's targets, None for their centres."""
    if plan.work.points == 1:
        return None
    shape = [end - begin for begin, end in plan.blocks.reaches(number)]
    seed, where = block_seed(plan.config.seed, number), plan.spec.coordinates
    return FootprintPoints(plan.spec.footprint, shape, seed, where)


def _order(plan: FitPlan, number: int, parts: PartSamples) -> Order:
    """Return the order in which a member sees its samples."""
    seed, count = block_seed(plan.config.seed, number), parts.count_in(number)
    if plan.blocks.count > 1:
        return WholeOrder(count) if plan.batch == count else EpochOrder(count, plan.batch, seed)
    samples = parts.of(number)
    device = samples.device if samples.resident else "cpu"
    if plan.batch >= count:
        return WholeOrder(count, device)
    if plan.work.device.type == "cpu" and count <= SHUFFLED_BY_STACKS:
        return EpochOrder(count, plan.batch, seed)
    generator = torch.Generator(device).manual_seed(seed)
    return BatchOrder(samples.count, plan.batch, generator)
