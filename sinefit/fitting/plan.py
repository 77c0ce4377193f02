"""The plan of a fit: everything that is decided before the first step, decided once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.engine import Work
from sinefit.engines.objective import MeanSquaredError
from sinefit.engines.registry import ENGINES, choose_engine, piece_size
from sinefit.errors import InputError, SettingError
from sinefit.fitting.budget import Budget
from sinefit.fitting.omega import resolve_omega
from sinefit.fitting.rates import PeakRates
from sinefit.fitting.traits import signal_traits
from sinefit.memory import check_memory

if TYPE_CHECKING:
    from sinefit.engines.engine import EngineKind, Precision
    from sinefit.fields.field import Field
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.machine import Machine
    from sinefit.initializers.base import TrainingRules
    from sinefit.networks.network import Network
    from sinefit.signals.signal import Signal, SignalSpec

COPIES: Final = 9
"""How often a fit holds each weight: as it began, as it is and at its best; its gradient, rate and
bound, and Adam's two averages; and what a step moves it by, or the copy that is measured."""


@dataclass(frozen=True)
class FitPlan:
    """What a fit is going to do; read by whoever tells, trains, measures or keeps it."""

    config: FitConfig
    """The settings that it was made of."""
    spec: SignalSpec
    start: Network
    """The starting weights, a stack of one, on the CPU."""
    rules: TrainingRules
    omega: tuple[float, ...]
    """First-layer frequency factor per coordinate."""
    rates: PeakRates
    budget: Budget
    """What ends the fit."""
    steps: int
    """About how many steps the budget allows for; of a fit that only quality ends, those of its
    first cycle."""
    batch: int
    """Samples per step."""
    machine: Machine
    work: Work
    """What its engine does at a time, alone."""
    engine: EngineKind
    precision: Precision
    """Of the products, at first."""
    last_precision: Precision
    """Of the products in the last part of a good fit."""
    continued: bool
    """Whether it begins with the weights of an earlier fit."""

    def on_threads(self, threads: int) -> FitPlan:
        """Return the same plan for another number of threads."""
        machine = replace(self.machine, threads=threads)
        return replace(self, machine=machine, work=replace(self.work, threads=threads))


def plan_fit(
    signal: Signal,
    config: FitConfig,
    machine: Machine,
    start_from: Field | None = None,
    *,
    continued: bool | None = None,
) -> FitPlan:
    """Decide everything about a fit of settled settings, see `pace.settled`.

    With `start_from`, whose recipe and size `config` has, the fit begins with its weights; it then
    continues another fit, unless `continued` says otherwise: a fit goes on from its own. Equal
    arguments give equal plans.

    Raises InputError for a signal without samples, SettingError for settings that do not fit it,
    MemoryLimitError for a network that memory cannot hold.
    """
    spec = signal.spec
    if spec.sample_count == 0:
        raise InputError(
            f"{spec.source or 'the signal'}: it has no samples, so there is nothing to fit"
        )
    size = config.size_for(spec)
    batch = config.batch_for(spec)
    if start_from is not None and start_from.network.size != size:
        earlier = start_from.network.size
        raise SettingError(
            f"`start_from` holds a field of {earlier.in_features} coordinates and "
            f"{earlier.out_features} channels, the signal has {size.in_features} and "
            f"{size.out_features}: start from a field of the same kind"
        )
    work = Work(
        config.family,
        size,
        1,
        min(batch, piece_size(machine.device.type)),
        1,
        MeanSquaredError(),
        machine.device,
        machine.threads,
    )
    engine = choose_engine(work) if config.engine == "auto" else ENGINES[config.engine]
    if machine.device.type == "cpu":
        check_memory(
            4 * COPIES * size.parameter_count + engine.memory(work),
            f"a network of width {size.width} and depth {size.depth} needs {{}} to train",
            "take a smaller `width` or `depth`",
        )
    recipe = config.initializer
    omega = resolve_omega(config.omega, recipe, signal, size)
    if start_from is None:
        generator = torch.Generator().manual_seed(config.seed)
        start = recipe.draw(size, omega, signal_traits(signal), generator)
    else:
        start = start_from.network.clone()
    _check_dtype(start, config.dtype)
    rules = recipe.rules(start, omega)
    steps = config.expected_steps(spec)
    precisions = engine.precisions(work)
    return FitPlan(
        config=config,
        spec=spec,
        start=start,
        rules=rules,
        omega=omega,
        rates=PeakRates(
            config.learning_rate, recipe.hidden_rate, rules, size.depth, size.width, steps, batch
        ),
        budget=config.budget or Budget(steps=steps),
        steps=steps,
        batch=batch,
        machine=machine,
        work=work,
        engine=engine,
        precision=precisions[0],
        last_precision=precisions[-1],
        continued=start_from is not None if continued is None else continued,
    )


def _check_dtype(network: Network, dtype: str) -> None:
    """Refuse a type that cannot hold even the starting weights."""
    largest = float(network.values.abs().max())
    if largest > torch.finfo(getattr(torch, dtype)).max:
        raise SettingError(
            f"`dtype` is {dtype}: it cannot hold weights of {largest:g}; use float32 or bfloat16"
        )
