"""Which members of a stack are trained at once, and how long before others have their turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.engine import StackKind
from sinefit.fitting.samples import RESIDENT_SHARE, tables_fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.fitting.plan import FitPlan
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import SignalSpec

STACKED_ROWS: Final = 4096
"""Samples, of all members of a group, that the CPU works on at a time: as many as caches hold."""
DEVICE_ROWS: Final = 2**18
"""The same on other devices, which want more work per launch."""
ROUND: Final = 32
"""Steps that a group takes at a time, before the next one has its turn."""
LONG_ROUND: Final = 64
"""The same where the tables of all groups are too large to be kept: to make one again takes about
as long as some steps."""


def round_steps(spec: SignalSpec, blocks: BlockGrid) -> int:
    """Return the steps of a round in which groups of a signal's blocks take turns."""
    return ROUND if tables_fit(spec, blocks) else LONG_ROUND


def groups_of(plan: FitPlan, steps: Sequence[int]) -> list[range]:
    """Return the places of the members that keep step, group by group.

    `plan` is that of the first, `steps` what each has taken. Those of several fits keep step,
    whose clocks are one. Of a round that was stopped on a machine with other groups, members that
    have taken different numbers of steps are kept apart.
    """
    if plan.blocks.count < len(steps):
        return [range(len(steps))]
    size = group_size(plan, len(steps))
    groups, begin = [], 0
    for place in range(1, len(steps) + 1):
        full = place in (len(steps), begin + size)
        if full or steps[place] != steps[begin]:
            groups.append(range(begin, place))
            begin = place
    return groups


def group_size(plan: FitPlan, members: int) -> int:
    """Return how many blocks of one fit are trained at once, of so many members of a stack."""
    if isinstance(plan.engine, StackKind):
        return min(plan.engine.together, _resident_members(plan, members))
    rows = STACKED_ROWS if plan.work.device.type == "cpu" else DEVICE_ROWS
    return max(1, rows // plan.batch)


def _resident_members(plan: FitPlan, members: int) -> int:
    """Return of how many members a device has memory for the tables."""
    if plan.work.device.type != "cuda":
        return max(members, plan.blocks.count)
    samples = max(plan.blocks.samples_in(number) for number in range(plan.blocks.count))
    row = plan.work.size.in_features + plan.work.size.out_features
    free, _ = torch.cuda.mem_get_info(plan.work.device)
    return max(1, int(free * RESIDENT_SHARE) // (4 * row * samples))
