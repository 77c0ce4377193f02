"""How fast this machine trains and measures, found by trying for a fraction of a second."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch

from sinefit.fitting.budget import Budget
from sinefit.fitting.defaults import DEFAULT_INITIALIZER
from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.machine import machine_for
from sinefit.fitting.measure import Blend, measure_quality
from sinefit.fitting.plan import plan_fit
from sinefit.fitting.samples import PartSamples, tables_fit
from sinefit.fitting.sizing import NARROWEST, width_in_time
from sinefit.fitting.trainer import Trainer
from sinefit.fitting.turns import ROUND, round_steps
from sinefit.initializers.registry import parse_initializer
from sinefit.networks.family import Published
from sinefit.signals.blocks import crop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.signals.signal import Signal, SignalSpec

TRIAL_SHARE: Final = 0.03
"""Share of a fit that its trials may take, their preparation not counted."""
TRIAL_LIMIT: Final = 0.5
"""Seconds that they may take at most."""
TRIALS: Final = 3
"""Widths that are tried at most, each nearer to the one that suits."""
WARM_UP: Final = {"cuda": 6}
"""Steps before those that are timed, by kind of device: kernels are compiled and recorded. One
elsewhere, in which memory is asked for."""
TRIED_WORK: Final = 2e9
"""Samples of a step times weights up to which a processor tries the step as it is; of a larger one
a part, in some hundredths of a second."""
FEWEST_TRIED: Final = 512
"""Samples of such a part at least."""
MOST_TRIED: Final = 2**20
"""Samples of the steps of a group that are taken at once, as far as a round has as many."""
EVALUATED: Final = 4096
"""Samples that are evaluated for the pace of measuring."""
MOST_EVALUATED: Final = 2**16
"""The same of blocks of which many samples are going to be measured."""
TRIED_BLOCKS: Final = {"cuda": 1024}
"""Blocks that are tried at most, by kind of device, 32 elsewhere: as many as it trains at once."""
EXPONENT: Final = 1.5
"""How a step's time grows with the width where only one has been tried: between the sines, of
which there are in proportion to it, and the products, in proportion to its square."""
EXPONENTS: Final = (0.5, 2.2)
"""Least and most that two widths can tell, whatever else the machine did meanwhile."""


class Trial:
    """A training of a fit's size whose steps change nothing, to be timed."""

    def __init__(
        self,
        config: FitConfig,
        signal: Signal,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare a training as `config` has it; its recipe makes no difference to the pace.

        Of many blocks a few are tried.
        """
        is_sine = not isinstance(config.network, Published)
        machine = machine_for(config)
        blocks = config.blocks_for(signal.spec)
        size = config.size_for(signal.spec)
        batch = tried = config.batch_for(signal.spec)
        if machine.device.type == "cpu" and blocks.count == 1:
            weights = config.network.parameter_count(size)
            tried = min(batch, max(FEWEST_TRIED, int(TRIED_WORK / weights)))
        spec, few = signal.spec, blocks.corner(TRIED_BLOCKS.get(machine.device.type, 32))
        self._parts = batch / tried * blocks.count / few.count
        if few.count < blocks.count:
            signal = crop(signal, tuple(axis.size for axis in few.axes))
        config = replace(
            config.on(few, signal.spec),
            initializer=parse_initializer(DEFAULT_INITIALIZER) if is_sine else None,
            omega=(1.0,) if is_sine else None,
            width=size.width,
            weights_per_value=None,
            batch=tried,
            budget=Budget(steps=1),
        )
        self._plan = plan_fit(signal, config, machine)
        self._signal = self._plan.mapped(signal)
        # Groups that take turns are timed with what it takes to change them.
        self._round = round_steps(spec, blocks) if few.count < blocks.count else None
        keeps = self._round is None or tables_fit(spec, blocks)
        dtype, holdout = self._plan.work.dtype, config.holdout
        met = self._plan.trained_on(self._signal)
        parts = PartSamples(met, few, machine.device, dtype=dtype, keeps=keeps, holdout=holdout)
        self._trainer = Trainer([self._plan], [parts])
        self._resident = few.count == 1 and parts.of(0).resident
        self._generator = torch.Generator().manual_seed(config.seed)
        self._clock = clock

    def step_seconds(self, limit: float, steps: float = math.inf) -> float:
        """Return the seconds of a step, from as many as `limit` seconds hold, `steps` at most."""
        for _ in range(WARM_UP.get(self._plan.machine.device.type, 1)):
            self._step()
        between = 0.0
        if self._round is not None:
            begin = self._clock()
            self._trainer.change()
            between = (self._clock() - begin) / self._round
        begin, done = self._clock(), 0
        while True:
            done += self._step()
            spent = self._clock() - begin
            if spent >= limit or done >= steps:
                members = len(self._trainer.first_group)
                groups = self._plan.blocks.count / members
                return self._parts * groups * (spent / done + between)

    def evaluation_seconds(self, share: float = 0.0) -> float:
        """Return the seconds in which a sample is measured, where this share of all is.

        Of a few samples of a block each takes longer than of many.
        """
        field = Blend(self._trainer.network.astype(torch.float32), self._plan.blocks)
        samples = self._signal.spec.sample_count
        count = min(samples, max(FEWEST_TRIED, EVALUATED))
        if self._plan.blocks.count > 1:
            count = max(count, min(MOST_EVALUATED, int(share * samples)))
        for _ in range(2):  # the first time memory is asked for
            begin = self._clock()
            measured = measure_quality(field, self._signal, count=count).samples
        return (self._clock() - begin) / measured

    def _step(self) -> int:
        """Take steps of the first group; return how many."""
        group = self._trainer.first_group
        # Not the next of an order, which is shuffled first.
        most = self._plan.fewest
        most_steps = max(1, MOST_TRIED // (self._plan.batch * len(group)))
        steps = min(ROUND, most_steps) if self._plan.blocks.count > 1 else 1
        shape = (steps, len(group), self._plan.batch)
        indices = torch.randint(most, shape, generator=self._generator)
        if self._resident:
            indices = indices.to(self._plan.machine.device)
        # Waits for the device.
        float(self._trainer.take(group, indices, [[0.0] * len(group)] * steps).sum())
        return steps


def settled(
    config: FitConfig,
    signal: Signal,
    resume: Checkpoint | None = None,
    make_trial: Callable[[FitConfig, Signal], Trial] = Trial,
) -> FitConfig:
    """Return settings that leave nothing to the pace of the machine.

    For a budget in seconds the pace is measured, which takes about `TRIAL_SHARE` of it, and decides
    the width, unless it is given, and the number of steps that rates and forecasts go by. A fit
    that goes on with a checkpoint takes what was decided then. Settled settings stay as they are.
    """
    spec = signal.spec
    if resume is not None:
        if resume.field.spec.shape == spec.shape:
            config = _with_layout_of(resume.config, config, spec)
        return replace(config.laid_out(spec), planned_steps=resume.config.planned_steps)
    seconds = None if config.budget is None else config.budget.max_time
    if seconds is None or config.planned_steps is not None:
        return config
    config = config.decided_for(spec)
    blocks = config.blocks_for(spec)
    limit = min(TRIAL_LIMIT, TRIAL_SHARE * seconds) / TRIALS
    trials: dict[int, float] = {}
    with cpu_threads(config.threads):
        by_pace = (
            config.width is None and blocks.cell_count == 1 and config.weights_per_value is None
        )
        width = NARROWEST if by_pace else config.size_for(spec).width
        while width not in trials and len(trials) < TRIALS:
            laid_out = replace(config.on(blocks, spec), width=width, weights_per_value=None)
            trial = make_trial(laid_out, signal)
            trials[width] = trial.step_seconds(limit)
            if by_pace:
                width = width_in_time(spec, config.depth, seconds, step_law(trials))
    steps = max(1, int(seconds / step_law(trials)(width)))
    laid_out = replace(config.on(blocks, spec), width=width, weights_per_value=None)
    return replace(laid_out, planned_steps=steps)


def _with_layout_of(kept: FitConfig, config: FitConfig, spec: SignalSpec) -> FitConfig:
    """Return settings that take from those of a checkpoint what they leave open.

    What others of them decide stays open, so that it is compared.
    """
    if config.weights_per_value is None:
        if config.blocks is None and config.block_size is None:
            config = replace(config, blocks=kept.blocks)
        if config.width is None:
            config = replace(config, width=kept.width)
    if config.margin is None and config.blocks_for(spec).counts == kept.blocks_for(spec).counts:
        config = replace(config, margin=kept.margin)
    return replace(config, batch=kept.batch) if config.batch is None else config


def step_law(trials: Mapping[int, float]) -> Callable[[int], float]:
    """Return the seconds of a step as a function of the width, through those that were tried.

    Between and beyond two widths they follow a power of the width.
    """

    def seconds(width: int) -> float:
        near, *others = sorted(trials, key=lambda tried: abs(math.log(width / tried)))
        exponent = EXPONENT
        if others:
            exponent = math.log(trials[others[0]] / trials[near]) / math.log(others[0] / near)
        low, high = EXPONENTS
        return trials[near] * math.pow(width / near, min(max(exponent, low), high))

    return seconds
