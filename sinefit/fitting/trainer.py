"""A stack of networks in training: everything that steps change, and how to put it back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.adam import Adam
from sinefit.engines.engine import StackKind
from sinefit.engines.graphics import wait_for
from sinefit.engines.recorded import CudaRecorder
from sinefit.engines.registry import shortfalls
from sinefit.engines.state import put_back
from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.draws import Draws, Member, offsets_of
from sinefit.fitting.open_group import OpenGroup, Workspace
from sinefit.fitting.turns import group_size, groups_of, round_steps
from sinefit.fitting.updates import Updates, rows_of_factors
from sinefit.native.shuffles import Shuffles
from sinefit.networks.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from sinefit.engines.engine import Engine, StackTraining
    from sinefit.engines.recorded import Recorder
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.samples import PartSamples

SPARSE: Final = 4
"""Samples of a large block per sample of a turn's steps from which on the steps have tables of
their own samples: a row of such a table takes a few times as long as one in order."""
SLOWER: Final = 0.5
"""Share of its rates that a member which lost its way goes on with."""
DRAWN_AT_ONCE: Final = 2**23
"""Samples whose numbers are drawn at a time, of all members together: some 100 MB on the way."""


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
            Member.of(plan, number, parts)
            for plan, parts in zip(plans, samples, strict=True)
            for number in plan.numbers
        ]
        plan = plans[0]
        self._stack_kind = plan.engine if isinstance(plan.engine, StackKind) else None
        self._space = Workspace(replace(plan.work, members=len(self._members)), plan.engine)
        self._precision = plan.precision
        device = plan.work.device
        if recorder is None and device.type == "cuda" and plan.engine.can_be_recorded:
            recorder = CudaRecorder(device)
        self._recorder = recorder
        self._wait = wait
        self._known_rows: dict[tuple[int, str], Tensor] = {}
        self._groups: list[range] = []
        self._training: StackTraining | OpenGroup | None = None
        starts = [plan.start for plan in plans]
        start = starts[0] if len(starts) == 1 else Network.stack(starts)
        self._set_up(start.astype(plan.work.dtype))

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
        return self._space.of(len(self._open)).targets

    @property
    def lacks_memory(self) -> bool:
        """Whether the device had no room for as many at a time as were planned."""
        return self._space.lacks_memory

    @property
    def launch_failure(self) -> str | None:
        """Why a CUDA device is told every part of every step anew, None as long as it is not."""
        return self._training.launch_failure if isinstance(self._training, OpenGroup) else None

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
            rates = rows_of_factors([factors[place] for place in group], taken, count)
            sparse = self._is_sparse(group, count)
            take = self._take_sparse if sparse else self.take
            size = len(group) * self._members[group.start].order.size
            total = torch.zeros(len(group), device=self._network.device)
            for begin in range(0, count, most := max(1, DRAWN_AT_ONCE // size)):
                steps = min(most, count - begin)
                indices = self._draws.samples(group, [each + begin for each in taken], steps)
                total += take(group, indices, rates[begin : begin + steps])
            yield group, total

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
        with cpu_threads(1 if self._space.kind.has_own_threads else None):
            if group != self._open or self._training is None:
                self._begin(group)
            assert self._training is not None
            return self._training.take(indices, factors)

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
        self._training, self._open = None, group
        indices = indices.indices() if isinstance(indices, Shuffles) else indices
        steps, members, batch = indices.shape
        tables, trained = [], self._members[group.start : group.stop]
        for place, member in enumerate(trained):
            tables.append(member.parts.rows_at(member.number, indices[:, place].flatten().cpu()))
        adam = self._updates.of(group)
        places = torch.arange(steps * batch).view(steps, 1, batch).expand(steps, members, batch)
        with cpu_threads(1 if self._space.kind.has_own_threads else None):
            training = self._stack_kind.make_training(
                self._network.part(group),
                adam,
                tables,
                self._space.work,
                self._precision,
                offsets_of(trained),
            )
            return training.take(places, factors)

    @property
    def steps_together(self) -> int:
        """Steps of a round that are worth changing from one group to the next for."""
        plan = self._members[0].plan
        is_part = len(self._members) < plan.blocks.count
        # Of a part they are those of the whole, so that its losses are looked at as often.
        if len(self._groups) == 1 and not (is_part and plan.blocks.count > self._group_size):
            return 1
        return round_steps(plan.spec, plan.blocks)

    @property
    def engine(self) -> Engine | None:
        """What computes the gradients of the group whose turn it is; None where one trains stacks.

        It is there once a turn has begun.
        """
        return self._training.engine if isinstance(self._training, OpenGroup) else None

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
        device, group = self._device, self._groups[0]
        if device.type == "cpu" and self._recorder is None:
            return
        first, last = self._precision, self._members[0].plan.last_precision
        changed = (self._network.values, *self._adam.averages)
        kept = [each[group.start : group.stop].clone() for each in changed]
        steps = self._adam.steps.copy()
        shape = (1, len(group), self._members[group.start].order.size)
        resident = isinstance(self._training, OpenGroup) and self._training.is_resident
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
        self._wait(self._device)

    @property
    def notices(self) -> list[str]:
        """What the machine lacks for the steps to be as fast as planned, a sentence each."""
        told = [*self._shortfalls]
        if self.lacks_memory:
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
        if self._space.work.dtype != torch.float32:
            found = {**found, "weights": self._network.part(places).values.cpu().clone()}
        return {**found, **self._adam.state(places)}

    def restore(self, places: range, weights: Network, state: Mapping[str, Tensor]) -> None:
        """Put back the weights of a fit's members and what `state` returned of them."""
        own = self._network.part(places).values
        if self._space.work.dtype == torch.float32:
            own.copy_(weights.values)
        else:
            put_back(own, state, "weights", "its exact weights do not fit the network")
        if len(places) == 1:
            self._members[places.start].order.restore(state)
        self._adam.restore(places, state)
        groups = groups_of(self._members[0].plan, self.steps)
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
        self._space.work = replace(self._space.work, members=len(staying))
        self._set_up(network, adam)

    def end(self) -> None:
        """Let go of all that steps need: what comes after them has the memory."""
        self._adam.end()
        del self._training, self._updates, self._draws, self._network, self._members

    def _set_up(self, network: Network, adam: Adam | None = None) -> None:
        """Begin anew with these weights, or go on with what updates them."""
        self._shortfalls = shortfalls(self._space.work)
        self._network = network.to(self._device)
        self._draws = Draws(self._members)
        self._adam = adam or Adam(self._network, constants=self._members[0].plan.adam)
        self._updates = Updates(self._members, self._network, self._adam, self._known_rows)
        self._groups = groups_of(self._members[0].plan, self.steps)
        self._updates.bound(self._groups)
        self._begin(self._groups[0])

    @property
    def _device(self) -> torch.device:
        return self._space.work.device

    @property
    def _group_size(self) -> int:
        return group_size(self._members[0].plan, len(self._members))

    def _begin(self, group: range) -> None:
        """Allocate what trains a group."""
        self._open = group
        self._training = None  # its buffers go before new ones are asked for
        members = self._members[group.start : group.stop]
        part, adam = self._network.part(group), self._updates.of(group)
        if self._stack_kind is None:
            self._training = OpenGroup(
                members, part, adam, self._space, self._precision, self._recorder
            )
            return
        tables = [member.parts.table(member.number) for member in members]
        self._training = self._stack_kind.make_training(
            part, adam, tables, self._space.work, self._precision, offsets_of(members)
        )
