"""The budget that all cells of a comparison have alike: steps, time or operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget
from sinefit.validation import positive

if TYPE_CHECKING:
    from sinefit.fitting.config import FitConfig
    from sinefit.signals.signal import SignalSpec

USUAL_STEPS: Final = 2000
OPERATIONS_PER_WEIGHT: Final = 6
"""Multiplications and additions of a training step per sample and weight: one of each forwards, and
twice as many backwards, for the gradients of the inputs and of the weights."""


@dataclass(frozen=True)
class EqualBudget:
    """What each cell may spend; exactly one of the three is given."""

    steps: int | None = None
    """Optimiser steps of as many samples."""
    max_time: float | None = None
    """Seconds of training."""
    operations: float | None = None
    """Multiplications and additions of training, `OPERATIONS_PER_WEIGHT` for each weight and sample
    of a batch; sines and other activations are not counted."""

    def __post_init__(self) -> None:
        given = [name for name in ("steps", "max_time", "operations") if getattr(self, name)]
        if len(given) > 1:
            raise SettingError(
                "`steps`, `max_time` and `operations` exclude one another: give one of them"
            )
        if self.operations is not None:
            positive("operations", self.operations)
        elif self.max_time is None:
            Budget(steps=self.steps or USUAL_STEPS)
        else:
            Budget(max_time=self.max_time)

    def of(self, config: FitConfig, spec: SignalSpec) -> Budget:
        """Return the budget of one fit of a signal."""
        if self.max_time is not None:
            return Budget(max_time=self.max_time)
        if self.operations is None:
            return Budget(steps=self.steps or USUAL_STEPS)
        return Budget(steps=max(1, round(self.operations / step_operations(config, spec))))

    @property
    def words(self) -> str:
        """The budget in a few words."""
        if self.max_time is not None:
            return f"{self.max_time:g} s of training"
        if self.operations is not None:
            return f"{self.operations:.3g} operations"
        return f"{self.steps or USUAL_STEPS} steps"


def step_operations(config: FitConfig, spec: SignalSpec) -> float:
    """Return the operations of a step of all networks of a fit."""
    blocks = config.blocks_for(spec).count
    samples = blocks * config.batch_for(spec)
    return float(OPERATIONS_PER_WEIGHT) * samples * network_weights(config, spec)


def network_weights(config: FitConfig, spec: SignalSpec) -> int:
    """Return the weights of each network of a fit."""
    return config.network_for(spec).parameter_count(config.size_for(spec))
