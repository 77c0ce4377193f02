"""The members of a stack in training, and what each of them sees in its steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.engine import StackKind
from sinefit.fitting.footprints import point_offsets
from sinefit.fitting.members import block_seed
from sinefit.fitting.orders import BatchOrder, EpochOrder, StackOrder, WholeOrder
from sinefit.fitting.samples import PartSamples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from sinefit.fitting.orders import Order
    from sinefit.fitting.plan import FitPlan
    from sinefit.native.shuffles import Shuffles
    from sinefit.signals.signal import Signal

SHUFFLED_BY_STACKS: Final = 2**16
"""Samples up to which the one network of a signal sees them in the order that a stack's training
draws by itself, so that it does so alone, too."""


@dataclass(frozen=True)
class Member:
    """A network of the stack: the block of a fit."""

    plan: FitPlan
    number: int
    """Of the block."""
    parts: PartSamples
    order: Order
    offsets: Tensor | None
    """Of the points of a sample's footprint where it is evaluated from the centre (points, axes);
    None for the centre alone."""

    @classmethod
    def of(cls, plan: FitPlan, number: int, parts: PartSamples) -> Member:
        """Return the member of a block that is trained on these samples."""
        return cls(plan, number, parts, _order(plan, number, parts), _offsets(plan, number))


class Draws:
    """Draws what the groups of some members see."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members
        plan = members[0].plan
        self._stacks_shuffle = isinstance(plan.engine, StackKind)
        self._device = plan.work.device
        self._orders: dict[range, StackOrder] = {}

    def samples(self, group: range, taken: Sequence[int], steps: int) -> Tensor | Shuffles:
        """Return the samples (steps, members, batch) of a group's next steps.

        `taken` is how many steps each of it has taken. What trains a stack draws those of shuffled
        epochs itself.
        """
        orders = [self._members[place].order for place in group]
        in_step = len(set(taken)) == 1  # fits that go on from checkpoints need not be
        if in_step and all(isinstance(order, EpochOrder) for order in orders):
            drawn = self._stack_order(group).draw(taken[0], steps)
            return drawn if self._stacks_shuffle else drawn.indices()
        pairs = zip(orders, taken, strict=True)
        return torch.stack([order.draw(each, steps) for order, each in pairs], dim=1)

    def _stack_order(self, group: range) -> StackOrder:
        """Return the order of a group's samples, on the device that draws them."""
        if group not in self._orders:
            members = self._members[group.start : group.stop]
            self._orders[group] = StackOrder(
                [member.parts.count_in(member.number) for member in members],
                members[0].order.size,
                [block_seed(member.plan.config.seed, member.number) for member in members],
                self._device if self._stacks_shuffle else "cpu",
            )
        return self._orders[group]


def samples_of(plan: FitPlan, signal: Signal) -> PartSamples:
    """Return the samples that a plan's networks are trained on."""
    device, holdout = plan.machine.device, plan.config.holdout
    met = plan.trained_on(signal)
    return PartSamples(met, plan.blocks, device, dtype=plan.work.dtype, holdout=holdout)


def offsets_of(members: Sequence[Member]) -> Tensor | None:
    """Return the offsets of the points of members' targets, (members, points, axes)."""
    found = [member.offsets for member in members if member.offsets is not None]
    return torch.stack(found) if found else None


def _offsets(plan: FitPlan, number: int) -> Tensor | None:
    """Return the offsets of the points of a member's targets, None for their centres."""
    if plan.work.points == 1:
        return None
    shape = [end - begin for begin, end in plan.blocks.reaches(number)]
    return point_offsets(plan.spec.footprint, shape, plan.spec.coordinates)


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
