"""What a solve has settled before its first step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.fitting.omega import factors_on
from sinefit.fitting.omega_choice import AUTO, checked_omega
from sinefit.initializers.registry import parse_initializer
from sinefit.networks.size import NetworkSize
from sinefit.solving.registry import parse_equation
from sinefit.solving.truth import spec_of
from sinefit.validation import positive, seconds, whole_number

if TYPE_CHECKING:
    from sinefit.fitting.omega_choice import OmegaChoice
    from sinefit.initializers.base import Initializer
    from sinefit.solving.equation import Equation

DEFAULT_INITIALIZER: Final = "siren"
"""The papers' equations were first solved with it."""
LARGEST: Final = 2**20 - 1
"""Widest and deepest network that a weights file can tell of."""


@dataclass(frozen=True)
class SolvePlan:
    """How an equation is solved."""

    equation: Equation
    initializer: Initializer
    size: NetworkSize
    omega: tuple[float, ...]
    """One factor per axis."""
    seed: int
    steps: int
    max_time: float | None
    """Seconds after which the steps end, None for none."""
    points: int
    """Collocation points of a step, inside the domain."""
    condition_points: int
    """Points of a step for each condition."""
    learning_rate: float | None
    """As a paper states it, None for the initializer's usual rates."""
    full: bool
    """Whether what was not asked for is the paper's."""


def plan_solve(
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
) -> SolvePlan:
    """Settle everything that was not asked for by the equation's presets.

    Raises SettingError for what cannot be.
    """
    found = parse_equation(equation, full=full)
    preset = found.full if full else found.reduced
    initializer = parse_initializer(DEFAULT_INITIALIZER if init is None else init)
    size = NetworkSize(
        len(found.axes),
        preset.width if width is None else whole_number("width", width, most=LARGEST),
        preset.depth if depth is None else whole_number("depth", depth, most=LARGEST),
        len(found.channels),
    )
    chosen = AUTO if omega is None else checked_omega(omega)
    if chosen == AUTO:
        factors = (initializer.omega_for(preset.frequency, size),) * size.in_features
    else:
        factors = factors_on(chosen, initializer, spec_of(found))
    return SolvePlan(
        found,
        initializer,
        size,
        factors,
        whole_number("seed", seed, least=0, most=2**63 - 1),
        preset.steps if steps is None else whole_number("steps", steps),
        None if max_time is None else seconds("max_time", max_time),
        preset.points if points is None else whole_number("points", points),
        preset.condition_points,
        preset.learning_rate if learning_rate is None else positive("learning_rate", learning_rate),
        full,
    )
