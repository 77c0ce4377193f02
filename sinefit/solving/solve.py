"""Solving an equation by a network, and holding it against the known solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.fitting.devices import cpu_threads, resolve_device
from sinefit.fitting.traits import signal_traits
from sinefit.initializers.registry import describe
from sinefit.metrics import psnr
from sinefit.signals.signal import Signal
from sinefit.solving.registry import describe_equation
from sinefit.solving.results import ChannelError, LossTerm, Solution, SolveReport
from sinefit.solving.settings import plan_solve
from sinefit.solving.training import Hooks, Training
from sinefit.solving.truth import Truth, relative_l2, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.fitting.omega_choice import OmegaChoice
    from sinefit.networks.network import Network
    from sinefit.solving.results import SolveProgress
    from sinefit.solving.settings import SolvePlan
    from sinefit.solving.training import Trained


def solve(
    equation: str,
    *,
    init: str | None = None,
    omega: float | OmegaChoice = None,
    width: int | None = None,
    depth: int | None = None,
    steps: int | None = None,
    max_time: float | None = None,
    points: int | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
    full: bool = False,
    device: str = "auto",
    threads: int | None = None,
    on_progress: Callable[[SolveProgress], None] | None = None,
) -> Solution:
    """Solve a differential equation of the papers by a sine network, and measure the error.

    `equation` is a name of `EQUATIONS`, with parameters, "burgers:viscosity=0.01"; `init` an
    initializer as for `fit`. What is not given is what ends in a minute or two on two cores, with
    `full` what the paper has. `points` are the collocation points of a step, `learning_rate` is
    Adam's as papers state it, times the initializer's scales. The weights are those of the lowest
    loss, which never looks at the known solution.

    Raises SettingError for what cannot be. Same settings, same machine, same number of threads:
    same weights, unless `max_time` ends it.
    """
    plan = plan_solve(
        equation,
        init=init,
        omega=omega,
        width=width,
        depth=depth,
        steps=steps,
        max_time=max_time,
        points=points,
        learning_rate=learning_rate,
        seed=seed,
        full=full,
    )
    hooks = Hooks() if on_progress is None else Hooks(on_progress=on_progress)
    return run_plan(plan, hooks, device=device, threads=threads)


def run_plan(
    plan: SolvePlan, hooks: Hooks, *, device: str = "auto", threads: int | None = None
) -> Solution:
    """Solve an equation as planned; when `hooks` stop it, with the best so far."""
    place = resolve_device(device)
    with cpu_threads(threads):
        truth = Truth(plan.equation)
        network = _start(plan, truth).to(place)
        trained = Training(plan, network, truth, hooks).run()
        return _solution(plan, trained, truth)


def _start(plan: SolvePlan, truth: Truth) -> Network:
    """Draw the starting weights; initializers that look at a signal see the known solution."""
    spec = spec_of(plan.equation)
    samples = truth.values.reshape(*spec.shape, spec.channels).astype(np.float32)
    traits = signal_traits(Signal(spec, samples), with_spectrum=plan.initializer.reads_spectrum)
    generator = torch.Generator().manual_seed(plan.seed)
    return plan.initializer.draw(plan.size, plan.omega, traits, generator)


def _solution(plan: SolvePlan, trained: Trained, truth: Truth) -> Solution:
    equation = plan.equation
    network = trained.network.to("cpu")
    spec = spec_of(equation)
    values = truth.network_values(network, np.arange(len(truth.values)))
    compared, known = values[truth.compared], truth.values[truth.compared]
    quality = psnr(float(np.square(compared - known).mean()), spec.value_range)
    record = FitRecord(
        initializer=describe(plan.initializer),
        omega=plan.omega,
        seed=plan.seed,
        steps=trained.best_step,
        batch=plan.points,
        learning_rates=trained.learning_rates,
        psnr=quality,
        psnr_float=quality,
        psnr_range=spec.value_range,
        snr=None,
        psnr_samples=len(compared),
    )
    report = SolveReport(
        equation=describe_equation(equation),
        initializer=describe(plan.initializer),
        omega=plan.omega,
        width=plan.size.width,
        depth=plan.size.depth,
        seed=plan.seed,
        steps=trained.steps,
        best_step=trained.best_step,
        points=plan.points,
        learning_rates=trained.learning_rates,
        seconds=trained.seconds,
        ended_by=trained.ended_by,
        loss=sum(trained.terms.values()),
        terms=tuple(LossTerm(name, value) for name, value in trained.terms.items()),
        relative_error=relative_l2(compared, known),
        channel_errors=tuple(
            ChannelError(name, relative_l2(compared[:, number], known[:, number]))
            for number, name in enumerate(equation.channels)
        ),
        largest_error=float(np.abs(compared - known).max()),
        history=tuple(trained.history),
    )
    shape = (*spec.shape, spec.channels)
    return Solution(
        equation,
        Field(network, spec, record),
        report,
        truth.values.reshape(shape),
        values.reshape(shape),
        truth.trusted.reshape(spec.shape),
    )
