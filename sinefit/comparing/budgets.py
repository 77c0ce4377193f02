"""The budget that all cells of a comparison have alike: steps, time or operations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget
from sinefit.validation import positive

if TYPE_CHECKING:
    from sinefit.fitting.config import FitConfig
    from sinefit.networks.family import Family
    from sinefit.networks.size import NetworkSize
    from sinefit.signals.signal import SignalSpec

USUAL_STEPS: Final = 2000
PASSES: Final = 3
"""Times the products of a forward pass that a training step takes: backwards there are as many for
the gradients of a layer's inputs, and as many for those of its weights."""


@dataclass(frozen=True)
class EqualBudget:
    """What each cell may spend; exactly one of the three is given."""

    steps: int | None = None
    """Optimiser steps of as many samples."""
    max_time: float | None = None
    """Seconds of training."""
    operations: float | None = None
    """Multiplications and additions in the matrix products of training, see `step_operations`."""

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
    """Return the multiplications and additions of a step of all networks of a fit.

    They are those of matrix products, of complex ones the real ones that they are made of: about 6
    per weight and sample of a batch. Sines and other activations are not counted.
    """
    blocks = config.blocks_for(spec).count
    samples = blocks * config.batch_for(spec)
    forward = forward_operations(config.network_for(spec), config.size_for(spec))
    return float(PASSES) * samples * forward


@lru_cache(maxsize=64)
def forward_operations(family: Family, size: NetworkSize) -> int:
    """Return the operations of matrix products in a network's forward pass of one sample."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    parameters = {name: torch.zeros((1, *shape)) for name, shape in family.shapes(size).items()}
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        family.forward(parameters, torch.zeros((1, 1, size.in_features)))
    return int(counter.get_total_flops())


def network_weights(config: FitConfig, spec: SignalSpec) -> int:
    """Return the weights of each network of a fit."""
    return config.network_for(spec).parameter_count(config.size_for(spec))
