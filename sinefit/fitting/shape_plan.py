"""What the shape of a signal decides of its fit: all that signals of one shape have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.adam import EPSILON
from sinefit.engines.engine import Work
from sinefit.engines.objective import MeanSquaredError
from sinefit.engines.registry import ENGINES, choose_engine, piece_size
from sinefit.errors import SettingError
from sinefit.fitting.choice import fewest_fitted
from sinefit.fitting.footprints import points_of
from sinefit.fitting.layout import network_size
from sinefit.memory import check_memory

if TYPE_CHECKING:
    from sinefit.engines.adam import Constants
    from sinefit.engines.derived import DerivedOutputs
    from sinefit.engines.engine import EngineKind, Precision
    from sinefit.fitting.budget import Budget
    from sinefit.fitting.config import FitConfig, StorageType
    from sinefit.fitting.machine import Machine
    from sinefit.fitting.schedule import Schedule
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import SignalSpec

COPIES: Final = 10
"""How often a fit of one network holds each weight: as it began, as it is and at its best; its
gradient, rate, bound and gain, and Adam's two averages; and what a step moves it by, or the copy
that is measured."""
STACK_COPIES: Final = 5
"""How often one of several does: as it is and at its best, Adam's two averages, and a copy that is
measured, or the weights that it goes on with."""


@dataclass(frozen=True)
class ShapePlan:
    """What the shape of a signal decides of its fit; see `FitPlan` for what each part means."""

    decided: FitConfig
    """The settings with all that their recipe decides, and the network for the shape."""
    config: FitConfig
    """The same with blocks, width and batch as numbers."""
    blocks: BlockGrid
    schedule: Schedule
    adam: Constants
    budget: Budget
    steps: int
    batch: int
    fewest: int
    """Samples of the block that has fewest, but for those held out."""
    dtype: StorageType
    work: Work
    engine: EngineKind
    precisions: tuple[Precision, ...]
    """Of the products, from the first to the last."""


def plan_shape(
    spec: SignalSpec,
    config: FitConfig,
    machine: Machine,
    outputs: DerivedOutputs | None = None,
) -> ShapePlan:
    """Decide what follows from a signal's shape and kind, whatever its samples.

    The spec has the coordinates, targets and footprint of the fit. `outputs` is what of a network
    meets the targets, None for its values. Raises what `plan_fit` does.
    """
    config = config.decided_for(spec)
    schedule, betas, epsilon = config.schedule, config.betas, config.epsilon
    assert schedule is not None
    assert betas is not None
    config = replace(config, network=config.network_for(spec))
    blocks = config.blocks_for(spec)
    size = network_size(spec, config, blocks)
    fewest = fewest_fitted(config.holdout, blocks)
    batch = config.batch_on(blocks)
    points = points_of(spec.footprint, spec.axes)
    work = Work(
        config.network,
        size,
        blocks.count,
        max(1, min(batch, piece_size(machine.device.type) // points)),
        points,
        MeanSquaredError(),
        machine.device,
        machine.threads,
        torch.float64 if config.precision == "float64" else torch.float32,
        outputs,
        has_gains=epsilon is not None,
    )
    if work.dtype == torch.float64 and machine.device.type == "mps":
        raise SettingError("`precision` is float64: MPS has none; use `device` cpu, or float32")
    engine = engine_for(work, config)
    if machine.device.type == "cpu":
        _check_memory(work, engine, batch)
    steps = config.expected_steps(spec)
    return ShapePlan(
        decided=config,
        config=config.laid_out(spec),
        blocks=blocks,
        schedule=schedule,
        adam=(*betas, EPSILON if epsilon is None else epsilon),
        budget=config.budget_for(spec),
        steps=steps,
        batch=batch,
        fewest=fewest,
        dtype=config.dtype_for(spec, blocks),
        work=work,
        engine=engine,
        precisions=precisions_for(work, engine, config),
    )


def engine_for(work: Work, config: FitConfig) -> EngineKind:
    """Return the engine that was asked for, or the fastest."""
    if config.engine != "auto":
        return ENGINES[config.engine]
    return choose_engine(work, _asked_precision(config))


def precisions_for(work: Work, engine: EngineKind, config: FitConfig) -> tuple[Precision, ...]:
    """Return the precisions of the products, from the first to the last."""
    asked = _asked_precision(config)
    return engine.precisions(work) if asked is None else (asked,)


def _asked_precision(config: FitConfig) -> Precision | None:
    """Return the precision that was asked for; None takes what is fastest."""
    asked = config.precision
    return None if asked is None or asked == "auto" else asked


def _check_memory(work: Work, engine: EngineKind, batch: int) -> None:
    """Raise MemoryLimitError for networks that memory cannot hold, with a batch of one."""
    size = work.size
    copies, many, need = COPIES, "a network", "needs"
    cure = "take a smaller `width` or `depth`"
    if work.members > 1:
        copies, many, need = STACK_COPIES, f"{work.members} networks", "need"
        cure = f"{cure}, or fewer `weights_per_value`"
    row = work.dtype.itemsize * (size.in_features + size.out_features)
    weights = work.dtype.itemsize * copies * work.members * work.parameter_count
    check_memory(
        weights + engine.memory(work) + batch * row,
        f"{many} of width {size.width} and depth {size.depth} {need} {{}} to train",
        cure,
    )
