"""The learning rate over a fit: constant, or a short warm-up and half a cosine down to zero."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Schedule = Literal["cosine", "constant"]

WARM_UP: Final = 0.02
"""Share of the budget over which the rate rises from zero."""
WARM_UP_STEPS: Final = 6
"""Steps that the rise takes at least: Adam's first ones go at full rate wherever a sign points."""


def rate_factor(schedule: Schedule, step: int, progress: float) -> float:
    """Return the factor on the learning rate, above 0 and at most 1, of a step counted from 0.

    `progress`, 0 to 1, is the share of the budget that is spent at the middle of the step.
    """
    if schedule == "constant":
        return 1.0
    return min(cosine_factor(progress), (step + 0.5) / WARM_UP_STEPS)


def cosine_factor(progress: float) -> float:
    """Return the factor on the learning rate, 0 to 1, when `progress` (0 to 1) is spent.

    Rises linearly over the first `WARM_UP`, then falls as (1 + cos) / 2 to zero at 1.
    """
    if progress < WARM_UP:
        return progress / WARM_UP
    return 0.5 * (1.0 + math.cos(math.pi * (progress - WARM_UP) / (1.0 - WARM_UP)))


def progress_within(spent: float, steps: int, expected: int) -> float:
    """Return the progress, 0 to 1, at the middle of the next step of a budget.

    `spent` is the share of the budget that `steps` steps took. The next is taken to be as long as
    those were on average, the first as long as `expected` steps in the whole budget make it. So
    even a fit of one step learns.
    """
    each = spent / steps if steps else 1.0 / expected
    return min(1.0, spent + each / 2.0)


def restarting_progress(step: int, first_cycle: int) -> tuple[int, float]:
    """Return the cycle and the progress within it, for a fit whose end is not known beforehand.

    The progress is that at the middle of the step, counted from 0.

    Cycles double in length and each decays to zero (warm restarts: Loshchilov & Hutter, 2017,
    SGDR). Cycle k takes the steps from first_cycle (2^k - 1) to first_cycle (2^(k+1) - 1).
    """
    cycle = (step // first_cycle + 1).bit_length() - 1
    begin = first_cycle * (2**cycle - 1)
    return cycle, (step + 0.5 - begin) / (first_cycle * 2**cycle)


class Course:
    """The factors on the learning rate of a few steps that follow one another."""

    def __init__(self, begin: int, factors: Sequence[float]) -> None:
        """Take the factors from the step `begin` on, counted from 0."""
        self.begin = begin
        self.factors = factors

    def __call__(self, step: int) -> float:
        """Return the factor of a step."""
        return self.factors[step - self.begin]


@lru_cache(maxsize=64)
def course_without_clock(
    schedule: Schedule, begin: int, count: int, planned: int, limit: int | None
) -> Course:
    """Return the course of fits that no clock ends: the same for all that stand at one step.

    They end after `limit` steps, or where that is None by their quality, after a first cycle of
    `planned` steps at the earliest.
    """

    def progress(step: int) -> float:
        if limit is None:
            return restarting_progress(step, planned)[1]
        return progress_within(min(1.0, step / limit), step, planned)

    steps = range(begin, begin + count)
    return Course(begin, [rate_factor(schedule, step, progress(step)) for step in steps])


def steps_to_restart(step: int, first_cycle: int) -> int:
    """Return how many steps of its cycle the one counted from 0 and those after it are."""
    cycle, _ = restarting_progress(step, first_cycle)
    end: int = first_cycle * (2 ** (cycle + 1) - 1)
    return end - step
