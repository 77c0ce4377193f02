"""What a solve reports while it runs, and what comes of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sinefit.fields.field import Field
    from sinefit.solving.equation import Equation


@dataclass(frozen=True)
class SolveProgress:
    """How far a solve is."""

    step: int
    share: float
    """Share of its budget that is spent, 0 to 1."""
    loss: float
    relative_error: float
    """Relative L2 error at some of the compared points."""
    seconds: float


@dataclass(frozen=True)
class Check:
    """What was seen at one step."""

    step: int
    """Steps before it."""
    seconds: float
    """Since the first step."""
    loss: float
    """At points that no step was taken on, always the same."""
    relative_error: float
    """Relative L2 error at some of the compared points."""


@dataclass(frozen=True)
class LossTerm:
    """A part of the loss."""

    name: str
    """"residual", or the name of a condition."""
    value: float
    """Its weighted mean square."""


@dataclass(frozen=True)
class ChannelError:
    """The error of one of several parts of a solution."""

    channel: str
    """What the equation calls it."""
    relative_error: float
    """Its relative L2 error."""


@dataclass(frozen=True)
class SolveReport:
    """What came of a solve, in numbers."""

    equation: str
    """As `sinefit solve` takes it, with its parameters."""
    initializer: str
    """As --init takes it."""
    omega: tuple[float, ...]
    """First-layer frequency factor per axis."""
    width: int
    """Neurons per layer."""
    depth: int
    """Sine layers."""
    seed: int
    """Of all draws."""
    steps: int
    """Steps taken."""
    best_step: int
    """Steps before the weights that were kept, those of the lowest loss."""
    points: int
    """Collocation points of a step, inside the domain."""
    learning_rates: tuple[float, ...]
    """Adam's peak rate on each layer's effective weights."""
    seconds: float
    """From the first step to the last."""
    ended_by: str
    """"steps", "time", "stop" or "divergence"."""
    loss: float
    """Of the kept weights, at points that no step was taken on."""
    terms: tuple[LossTerm, ...]
    """What that is the sum of: the residual and the conditions, weighted."""
    relative_error: float
    """Root of the sum of squared errors over that of the known solution's squares, all channels."""
    channel_errors: tuple[ChannelError, ...]
    """The same of each channel alone."""
    largest_error: float
    """Largest magnitude of the error, in the equation's units."""
    history: tuple[Check, ...]
    """What was seen on the way."""


@dataclass(frozen=True)
class Solution:
    """A network that solves an equation, and how well it does."""

    equation: Equation
    field: Field
    """The solution as a field of an array; the axes are the equation's."""
    report: SolveReport
    exact: NDArray[np.float64] = dataclasses.field(repr=False)
    """The known solution on the field's grid (*shape, channels)."""
    values: NDArray[np.float64] = dataclasses.field(repr=False)
    """The field's values there."""
    trusted: NDArray[np.bool_] = dataclasses.field(repr=False)
    """Where the two are compared (*shape,)."""
