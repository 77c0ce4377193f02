"""How fast this machine trains and measures, found by trying for a fraction of a second."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch

from sinefit.fitting.budget import Budget
from sinefit.fitting.defaults import DEFAULT_INITIALIZER
from sinefit.fitting.devices import cpu_threads, resolve_device
from sinefit.fitting.machine import machine_for
from sinefit.fitting.measure import measure_quality
from sinefit.fitting.plan import plan_fit
from sinefit.fitting.samples import TrainingSamples
from sinefit.fitting.sizing import NARROWEST, width_in_time
from sinefit.fitting.trainer import Trainer
from sinefit.initializers.registry import parse_initializer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.signals.signal import Signal

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
EVALUATED: Final = 4096
"""Samples that are evaluated for the pace of measuring."""
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
        samples: TrainingSamples,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare a training as `config` has it; its recipe makes no difference to the pace."""
        recipe = parse_initializer(DEFAULT_INITIALIZER)
        batch = tried = config.batch_for(signal.spec)
        if samples.device.type == "cpu":
            weights = config.size_for(signal.spec).parameter_count
            tried = min(batch, max(FEWEST_TRIED, int(TRIED_WORK / weights)))
        self._parts = batch / tried
        config = replace(
            config, initializer=recipe, omega=(1.0,), batch=tried, budget=Budget(steps=1)
        )
        plan = plan_fit(signal, config, machine_for(config))
        self._trainer = Trainer([plan], [samples])
        self._samples = samples
        self._batch = plan.batch
        self._generator = torch.Generator().manual_seed(config.seed)
        self._clock = clock

    def step_seconds(self, limit: float, steps: float = math.inf) -> float:
        """Return the seconds of a step, from as many as `limit` seconds hold, `steps` at most."""
        for _ in range(WARM_UP.get(self._samples.device.type, 1)):
            self._step()
        begin, done = self._clock(), 0
        while True:
            self._step()
            done += 1
            spent = self._clock() - begin
            if spent >= limit or done >= steps:
                return self._parts * spent / done

    def evaluation_seconds(self) -> float:
        """Return the seconds in which a sample is measured."""
        count = min(EVALUATED, self._samples.count, max(FEWEST_TRIED, self._batch))
        for _ in range(2):  # the first time memory is asked for
            begin = self._clock()
            measure_quality(self._trainer.network, self._samples, count=count)
        return (self._clock() - begin) / count

    def _step(self) -> None:
        # Not the next of an order, which is shuffled first.
        indices = torch.randint(self._samples.count, (self._batch,), generator=self._generator)
        if self._samples.resident:
            indices = indices.to(self._samples.device)
        # Waits for the device.
        float(self._trainer.step_on([indices], [0.0]))


def settled(
    config: FitConfig,
    signal: Signal,
    resume: Checkpoint | None = None,
    make_trial: Callable[[FitConfig, Signal, TrainingSamples], Trial] = Trial,
) -> FitConfig:
    """Return settings that leave nothing to the pace of the machine.

    For a budget in seconds the pace is measured, which takes about `TRIAL_SHARE` of it, and decides
    the width, unless it is given, and the number of steps that rates and forecasts go by. A fit
    that goes on with a checkpoint takes what was decided then. Settled settings stay as they are.
    """
    if resume is not None:
        width = config.width or resume.field.network.size.width
        return replace(config, width=width, planned_steps=resume.config.planned_steps)
    seconds = None if config.budget is None else config.budget.max_time
    if seconds is None or config.planned_steps is not None:
        return config
    limit = min(TRIAL_LIMIT, TRIAL_SHARE * seconds) / TRIALS
    trials: dict[int, float] = {}
    with cpu_threads(config.threads):
        samples = TrainingSamples(signal, resolve_device(config.device))
        width = config.width or NARROWEST
        while width not in trials and len(trials) < TRIALS:
            trial = make_trial(replace(config, width=width), signal, samples)
            trials[width] = trial.step_seconds(limit)
            if config.width is None:
                width = width_in_time(signal.spec, config.depth, seconds, step_law(trials))
    steps = max(1, int(seconds / step_law(trials)(width)))
    return replace(config, width=width, planned_steps=steps)


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
