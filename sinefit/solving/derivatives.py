"""A function with its derivatives along the axes, as residuals of equations take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sinefit.engines.jets import jet_of
from sinefit.engines.sine_jets import sine_jets
from sinefit.networks.sine import SINE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor


@dataclass(frozen=True)
class Derivatives:
    """A function's values and derivatives at some points, each (points, channels)."""

    values: Tensor
    """What the function is there."""
    first: Mapping[int, Tensor]
    """First derivatives by the number of their axis."""
    second: Mapping[int, Tensor]
    """Second derivatives by the number of their axis."""


class Candidate(Protocol):
    """What may solve an equation: a function of points of its domain, in its units."""

    def values(self, points: Tensor) -> Tensor:
        """Return the function (points, channels) at points (points, axes)."""

    def derivatives(self, points: Tensor, orders: Sequence[int]) -> Derivatives:
        """Differentiate along each axis as often as `orders` says, 0 to 2 times, some at least.

        Autograd can differentiate what is returned by what the function is made of.
        """


class AnyFunction:
    """Any function, differentiated by `jets.jet_of`: the reference for what is faster."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self._function = function

    def values(self, points: Tensor) -> Tensor:
        """Return the function at points."""
        return self._function(points)

    def derivatives(self, points: Tensor, orders: Sequence[int]) -> Derivatives:
        """Differentiate along one axis after another."""
        first, second = {}, {}
        for axis, order in enumerate(orders):
            if order == 0:
                continue
            values, first[axis], *higher = jet_of(self._function, points, axis, order)
            if higher:
                (second[axis],) = higher
        return Derivatives(values, first, second)


class SineFunction:
    """A sine network on a domain: the scale times its values at coordinates [-1, 1] there."""

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        domain: Sequence[tuple[float, float]],
        scale: float,
    ) -> None:
        """Take the parameters of a stack of one network."""
        self._parameters = parameters
        self._domain = domain
        self._scale = scale

    def values(self, points: Tensor) -> Tensor:
        """Return the function at points."""
        coordinates = coordinates_in(self._domain, points)
        return self._scale * SINE.forward(self._parameters, coordinates[None])[0]

    def derivatives(self, points: Tensor, orders: Sequence[int]) -> Derivatives:
        """Differentiate along all axes at once."""
        coordinates = coordinates_in(self._domain, points)
        values, first, second = sine_jets(self._parameters, coordinates, orders)
        # By the chain rule: a unit of a coordinate is half the domain.
        per_unit = [2.0 / (high - low) for low, high in self._domain]
        return Derivatives(
            self._scale * values,
            {axis: self._scale * per_unit[axis] * slope for axis, slope in first.items()},
            {axis: self._scale * per_unit[axis] ** 2 * bend for axis, bend in second.items()},
        )


def points_in(domain: Sequence[tuple[float, float]], coordinates: Tensor) -> Tensor:
    """Return the points of a domain at coordinates [-1, 1]."""
    low, high = (coordinates.new_tensor(ends) for ends in zip(*domain, strict=True))
    return low + (coordinates + 1.0) * ((high - low) / 2.0)


def coordinates_in(domain: Sequence[tuple[float, float]], points: Tensor) -> Tensor:
    """Return the coordinates [-1, 1] of points of a domain."""
    low, high = (points.new_tensor(ends) for ends in zip(*domain, strict=True))
    return (points - low) / ((high - low) / 2.0) - 1.0
