"""A fit whose parts were trained by themselves: what is judged by all of them together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.fitting.ending import FitEnd
from sinefit.fitting.fit import shares_of
from sinefit.fitting.measured import errors_in_turn
from sinefit.fitting.monitor import LAST_SHARE, Monitor, Standing
from sinefit.fitting.parts import part_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from sinefit.fitting.hooks import FitHooks
    from sinefit.fitting.measured import MeasuredErrors
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult
    from sinefit.networks.network import Network
    from sinefit.signals.signal import Signal


@dataclass(frozen=True)
class Judgement:
    """What the losses of all blocks lead to."""

    refine_at: int | None
    """The report from which on steps are to be taken in the last precision."""
    diverged_at: int | None
    """The report at which the fit is found to have diverged."""


class GatheredFit(FitEnd):
    """A fit whose parts are trained elsewhere, of which the end is here."""

    def __init__(
        self,
        signal: Signal,
        plan: FitPlan,
        hooks: FitHooks,
        errors: MeasuredErrors = errors_in_turn,
    ) -> None:
        """Take the whole plan; the field that it begins with is looked at.

        `errors` finds those of the field that it ends with.
        """
        super().__init__(signal, plan, hooks)
        self._errors = errors
        self._initial = self._estimate(plan.members.start_to_see())
        self._begin()
        self._best: Callable[[], Network] | None = None

    def judge(self, losses: Tensor, every: int) -> Judgement:
        """Look at the mean losses of all blocks (reports, blocks), `every` so many steps.

        They are judged one after the other as if they were told now, each time from the start.
        """
        self._begin()
        shares, refine_at = shares_of(self.plan.blocks), None
        for report, row in enumerate(losses):
            step = every * (report + 1)
            self.standing.step = step
            look = self._monitor.look(
                float((row * shares).sum()), part_progress(self.plan, step - 1)
            )
            if look.diverged:
                return Judgement(refine_at, step)
            if look.refine:
                refine_at = step
                self.standing.refined = True
        return Judgement(refine_at, None)

    def complete(
        self,
        network: Network,
        best: Callable[[], Network],
        judgement: Judgement,
        seconds: float,
    ) -> FitResult:
        """Measure what was gathered and wrap up; raises what `Fit.finish` does.

        `seconds` are those of training of all parts, one after the other.
        """
        self.network, self._best = network, best
        self.standing.seconds = seconds
        self.ended = "divergence"
        if judgement.diverged_at is None:
            self.standing.step = self.plan.steps
            self.ended = "steps"
        return self.finish()

    def _begin(self) -> None:
        standing = Standing(self._initial, cycle_psnr=self._initial, latest=self._initial)
        standing.continued = self.plan.continued
        self._monitor = Monitor(standing, self.plan.budget, self.plan.spec.target_range)

    def _best_network(self) -> Network:
        assert self._best is not None
        return self._best()

    def _sound(self, network: Network) -> Network:
        return network  # each part has seen to its own

    def _done(self) -> float:
        return self.standing.step


def first_end(plan: FitPlan, every: int) -> int:
    """Return the report before which no step is taken in the last precision."""
    step = every * math.ceil(LAST_SHARE * plan.steps / every)
    while step < plan.steps and part_progress(plan, step - 1) < LAST_SHARE:
        step += every
    return min(step, plan.steps)
