"""Samples trained per second by the textbook method and by sinefit, in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Final

from sinefit.benchmark.clock import median_ratio, paces_in_turn
from sinefit.benchmark.textbook import TextbookTraining
from sinefit.fitting.draws import samples_of
from sinefit.fitting.loop import make_plan
from sinefit.fitting.trainer import Trainer

if TYPE_CHECKING:
    import torch

    from sinefit.benchmark.clock import Clock
    from sinefit.fitting.config import FitConfig
    from sinefit.signals.signal import Signal

WARM_UP: Final = 20
"""Steps of sinefit before the clock runs: a device compiles and captures in the first ones."""
AT_ONCE: Final = {"cuda": 64, "mps": 8}
"""Steps of sinefit between two readings of the clock, which wait for the device, by its kind: one
elsewhere. A step is over in less time than such a wait and the launch of the next one take."""


@dataclass(frozen=True)
class Pace:
    """Samples trained on per second, medians over the rounds."""

    samples: int
    """Samples per step of the textbook method, all that the picture has."""
    batch: int
    """Samples per step of sinefit."""
    textbook: float
    sinefit: float
    ratio: float
    """Median over the rounds of sinefit's pace divided by the textbook's."""


def measure_pace(
    signal: Signal,
    config: FitConfig,
    device: torch.device,
    clock: Clock,
    *,
    seconds: float,
    rounds: int,
    at_once: int | None = None,
) -> Pace:
    """Train both on a signal in turn, `seconds` per turn and at least one step.

    The clock is read after every step of the textbook method and after `at_once` of sinefit's,
    which are `AT_ONCE` unless told. Of sinefit these are the ordinary steps. Those in full
    precision, with which a fit of high quality ends, are slower; they count in the race and in the
    fits.
    """
    config = replace(config, blocks=(1,))  # one network beside one
    if at_once is None:
        at_once = AT_ONCE.get(device.type, 1)
    textbook = TextbookTraining(signal, config.size_for(signal.spec), device)
    plan = make_plan(signal, config)
    trainer = Trainer([plan], [samples_of(plan, signal)])
    trainer.rehearse()

    def textbook_step() -> int:
        textbook.step()
        return textbook.count

    def sinefit_steps(count: int) -> int:
        for _ in trainer.advance([trainer.steps[0] + count], [lambda _step: 1.0]):
            pass
        return count * plan.batch

    textbook.step()
    for _ in range(WARM_UP):
        sinefit_steps(1)
    works = (textbook_step, lambda: sinefit_steps(at_once))
    slow, fast = paces_in_turn(works, clock, seconds, rounds)
    return Pace(textbook.count, plan.batch, median(slow), median(fast), median_ratio(fast, slow))
