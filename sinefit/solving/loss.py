"""What a solve minimises: mean squares of the residual and of what misses the conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.solving.derivatives import points_in

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from sinefit.solving.derivatives import Candidate
    from sinefit.solving.equation import Equation


@dataclass(frozen=True)
class Collocation:
    """The points that a loss is taken at, in the coordinates [-1, 1] of the network."""

    inside: Tensor
    """(points, axes)."""
    on_faces: tuple[Tensor, ...]
    """For each condition (points, axes)."""

    def to(self, device: torch.device) -> Collocation:
        """Return them on a device."""
        return Collocation(
            self.inside.to(device), tuple(points.to(device) for points in self.on_faces)
        )


def draw_collocation(
    equation: Equation, inside: int, on_face: int, generator: torch.Generator
) -> Collocation:
    """Draw points inside the domain, and others for each condition."""
    faces = [equation.draw_face(each, on_face, generator) for each in equation.conditions]
    return Collocation(equation.draw_points(inside, generator), tuple(faces))


def loss_terms(
    equation: Equation, candidate: Candidate, collocation: Collocation
) -> dict[str, Tensor]:
    """Return the weighted mean squares by name, "residual" first; their sum is the loss.

    They are free of the equation's units.
    """
    points = points_in(equation.domain, collocation.inside)
    residual = equation.residual(points, candidate.derivatives(points, equation.orders))
    terms = {"residual": (residual / equation.residual_scale).square().mean()}
    for condition, face in zip(equation.conditions, collocation.on_faces, strict=True):
        points = points_in(equation.domain, face)
        if condition.order == 0:
            values = candidate.values(points)
        else:
            orders = [int(axis == condition.axis) for axis in range(len(equation.axes))]
            values = candidate.derivatives(points, orders).first[condition.axis]
        missed = values[:, list(condition.channels)] - condition.target(points)
        terms[condition.name] = condition.weight * (missed / equation.scale).square().mean()
    return terms
