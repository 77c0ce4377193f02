"""The loop: a stack takes steps, and between them each of its fits does what is due."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sinefit.fitting.fit import Fit
    from sinefit.fitting.trainer import Trainer

LOOK_EVERY: Final = 0.1
"""Seconds of steps after which a fit looks around for a stop, a due checkpoint or its end."""


def train(
    fits: Sequence[Fit], trainer: Trainer, clock: Callable[[], float] = time.perf_counter
) -> None:
    """Train until every fit has ended; `fits` are the members of the stack, in its order.

    A fit's seconds are its share of those that the stack takes, so that a budget in time means what
    it means alone. Fits that end leave the stack and keep their weights.
    """
    running = list(fits)
    pace = 0.0  # seconds per step of the stack, 0 as long as it is not known
    last = clock()
    while True:
        for fit in running:
            last += fit.turn(clock)
        ended = [place for place, fit in enumerate(running) if fit.ended is not None]
        if ended:
            for place in ended:
                running[place].network = trainer.network.member(place).clone()
            steps = [fit.standing.step for fit in running]
            running = [fit for fit in running if fit.ended is None]
            if not running:
                return
            trainer.leave(ended, steps)
            for place, fit in enumerate(running):
                fit.place = place
        count = max(1, int(LOOK_EVERY / pace)) if pace else 1
        count = min(count, *(fit.steps_ahead(pace) for fit in running))
        factors = [[fit.factor(ahead, pace) for fit in running] for ahead in range(count)]
        losses = trainer.advance(factors)  # (members,)
        now = clock()
        for fit, loss in zip(running, losses, strict=True):
            fit.took(count, (now - last) / len(running), loss)
        pace = (now - last) / count
        last = now
