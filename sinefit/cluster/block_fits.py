"""Some blocks of a signal, trained on a worker."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.cluster.failures import returns_failures
from sinefit.cluster.file_fits import tell
from sinefit.fitting.machine import machine_for
from sinefit.fitting.parts import PartStoppedError, how_trained, train_part

if TYPE_CHECKING:
    from sinefit.cluster.worker import TaskContext
    from sinefit.fitting.parts import HowTrained, PartResult, SentParts, Stretch
    from sinefit.fitting.plan import FitPlan


@dataclass(frozen=True)
class BlocksFit:
    """Blocks to train, with the samples that they reach."""

    plan: FitPlan
    """Of these blocks, see `FitPlan.part`."""
    parts: SentParts
    stretch: Stretch


class Stopped:
    """What comes back of blocks that were stopped on the way."""


@returns_failures
def fit_blocks(task: BlocksFit, context: TaskContext) -> PartResult | Stopped:
    """Train blocks."""
    try:
        return train_part(
            _here(task.plan, context),
            task.parts,
            task.stretch,
            should_stop=context.should_stop,
            on_progress=lambda progress: tell(context, progress),
        )
    except PartStoppedError:
        return Stopped()


@returns_failures
def look_at_worker(task: BlocksFit, context: TaskContext) -> HowTrained:
    """Tell how this worker would train the blocks of a plan."""
    return how_trained(_here(task.plan, context), task.parts)


def _here(plan: FitPlan, context: TaskContext) -> FitPlan:
    config = plan.config
    if config.threads is None:
        config = dataclasses.replace(config, threads=context.threads)
    return plan.on_machine(machine_for(config))
