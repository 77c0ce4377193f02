"""Training of a network on an equation: Adam over collocation points, the best weights kept."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import torch

from sinefit.engines.adam import Adam, bounds_of
from sinefit.fitting.rates import PeakRates, RateTable
from sinefit.fitting.schedule import progress_within, rate_factor
from sinefit.processor.products import products_of
from sinefit.solving.derivatives import SineFunction
from sinefit.solving.loss import draw_collocation, loss_terms
from sinefit.solving.results import Check, SolveProgress

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from sinefit.networks.network import Network
    from sinefit.solving.loss import Collocation
    from sinefit.solving.settings import SolvePlan
    from sinefit.solving.truth import Truth

CONSTANTS: Final = (0.9, 0.99, 1e-12)
"""Adam's, as in fits."""
USUAL_SHARE: Final = 0.5
"""Of an initializer's usual rate for fits, which is too fast where a loss has derivatives in it."""
CHECKS: Final = 100
"""Looks at the loss in the whole of a budget of steps."""
CHECK_EVERY: Final = 25
"""Steps at least between two of them."""
CHECK_POINTS: Final = 4
"""Times a step's points that they are taken at."""
EXPECTED_STEPS: Final = 1000
"""Of a budget of time before the first step is timed: the rate of that step hangs on it."""


@dataclass(frozen=True)
class Hooks:
    """What is called while a network is trained."""

    on_progress: Callable[[SolveProgress], None] = field(default=lambda _: None)
    """Called at every check."""
    should_stop: Callable[[], bool] = field(default=lambda: False)
    """Asked before every step; what has been reached is then the result."""


@dataclass
class Trained:
    """What came of training."""

    network: Network
    """The weights of the lowest loss."""
    steps: int
    best_step: int
    seconds: float
    ended_by: str
    terms: dict[str, float]
    learning_rates: tuple[float, ...]
    history: list[Check]


class Training:
    """A network, its optimiser and the best that was seen."""

    def __init__(self, plan: SolvePlan, network: Network, truth: Truth, hooks: Hooks) -> None:
        """Prepare the training of a network in its starting weights, which are changed."""
        self._plan = plan
        self._network = network
        self._truth = truth
        self._hooks = hooks
        # Its own stream of draws, so that those of the start change nothing here.
        self._generator = torch.Generator().manual_seed(plan.seed ^ 0x5EED)
        rules = plan.initializer.rules(network, plan.omega)
        rates = PeakRates(
            plan.learning_rate,
            plan.initializer.hidden_rate * USUAL_SHARE,
            rules,
            plan.size.depth,
            plan.size.width,
            plan.steps,
            plan.points,
        )
        self._rates = rates.by_layer
        table = RateTable([rates])
        bounds = bounds_of(network, [rules.bounds])
        self._adam = Adam(network, table.rows(network, range(1)), bounds, constants=CONSTANTS)
        self._checked = self._draw(CHECK_POINTS)
        self._best = network.clone()
        self._best_loss = math.inf
        self._best_step = 0
        self._best_terms: dict[str, float] = {}
        self._history: list[Check] = []

    def run(self) -> Trained:
        """Take the steps of the budget; return the weights of the lowest loss."""
        plan = self._plan
        begin = time.monotonic()
        every = max(CHECK_EVERY, plan.steps // CHECKS)
        step, ended_by = 0, "steps"
        while step < plan.steps:
            spent = step / plan.steps
            seconds = time.monotonic() - begin
            if plan.max_time is not None:
                spent = max(spent, seconds / plan.max_time)
            if spent >= 1.0:
                ended_by = "time"
                break
            if self._hooks.should_stop():
                ended_by = "stop"
                break
            if step % every == 0 and not self._check(step, spent, seconds):
                ended_by = "divergence"
                break
            factor = rate_factor("cosine", step, progress_within(spent, step, EXPECTED_STEPS))
            self._step(factor)
            step += 1
        seconds = time.monotonic() - begin
        if ended_by != "divergence":
            self._check(step, 1.0, seconds)
        return Trained(
            self._best,
            step,
            self._best_step,
            seconds,
            ended_by,
            self._best_terms,
            self._rates,
            self._history,
        )

    def _step(self, factor: float) -> None:
        values = self._network.values.detach().requires_grad_()
        with products_of(torch.float32):
            terms = self._terms(values, self._draw(1))
            (gradient,) = torch.autograd.grad(torch.stack(list(terms.values())).sum(), values)
        self._adam.step(gradient, [factor])

    def _check(self, step: int, share: float, seconds: float) -> bool:
        """Look at the loss, keep the weights if it is the lowest; tell whether all is finite."""
        with torch.no_grad(), products_of(torch.float32):
            terms = self._terms(self._network.values, self._checked)
        found = {name: float(value) for name, value in terms.items()}
        loss = sum(found.values())
        if not math.isfinite(loss):
            return False
        error = self._truth.relative_error(self._network, self._truth.watched)
        if loss < self._best_loss:
            self._best_loss, self._best_step, self._best_terms = loss, step, found
            self._best.values.copy_(self._network.values)
        self._history.append(Check(step, seconds, loss, error))
        self._hooks.on_progress(SolveProgress(step, share, loss, error, seconds))
        return True

    def _draw(self, times: int) -> Collocation:
        plan = self._plan
        return draw_collocation(
            plan.equation, times * plan.points, times * plan.condition_points, self._generator
        ).to(self._network.device)

    def _terms(self, values: Tensor, collocation: Collocation) -> dict[str, Tensor]:
        equation = self._plan.equation
        candidate = SineFunction(self._network.views(values), equation.domain, equation.scale)
        return loss_terms(equation, candidate, collocation)
