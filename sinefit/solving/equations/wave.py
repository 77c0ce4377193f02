"""The wave equation in two dimensions: a pulse that spreads."""

from __future__ import annotations

import math
from collections.abc import Mapping  # noqa: TC003 (parameters are read off the annotations)
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import torch

from sinefit.solving.equation import Condition, Equation, Preset, zeros
from sinefit.theory.dawson import dawson

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.solving.derivatives import Derivatives

DURATION: Final = 0.4
"""Nothing has reached the edges by then."""
WAVENUMBERS: Final = 9.0
"""Highest in the pulse, in units of its own spread of them: exp(-40) is left."""
NEAR: Final = 2.0
"""Deviation of the points drawn around the pulse at the start, in units of the pulse's."""


@dataclass(frozen=True)
class Wave(Equation):
    """A Gaussian pulse at rest that spreads as a ring."""

    name: ClassVar[str] = "wave"
    formula: ClassVar[str] = (
        "u_tt = u_yy + u_xx; u = exp(-r²/2s²), u_t = 0 at t = 0, u = 0 on the edges; t in "
        "[0, 0.4], x and y in [-1, 1]"
    )
    truth: ClassVar[str] = (
        "The mean over all directions of plane waves, each in closed form by Dawson's function."
    )
    reference: ClassVar[str] = (
        "Sitzmann, Martel, Bergman, Lindell, Wetzstein (2020), Implicit Neural Representations "
        "with Periodic Activation Functions, NeurIPS, section 4.3; the authors' code: s² = 5e-4, "
        "4 sine layers of 512, 100000 steps of 115600 points, rate 2e-5; there the pulse's peak "
        "is 0.02, the losses are absolute values and the time grows"
    )
    axes: ClassVar[tuple[str, ...]] = ("t", "y", "x")
    channels: ClassVar[tuple[str, ...]] = ("u",)
    orders: ClassVar[tuple[int, ...]] = (2, 2, 2)
    shape: ClassVar[tuple[int, ...]] = (11, 64, 64)
    reduced: ClassVar[Preset] = Preset(48, 3, 3000, 768, 256, 3.5, reached=2e-2)
    # Fewer points than the paper's, whose derivatives would need some 20 GB.
    full: ClassVar[Preset] = Preset(512, 4, 100000, 16384, 2048, 5.774, 2e-5)
    full_parameters: ClassVar[Mapping[str, Any]] = {"deviation": math.sqrt(5e-4)}

    deviation: float = field(
        default=0.1, metadata={"help": "s, of the pulse", "above": 0.0, "maximum": 0.1}
    )

    @property
    def domain(self) -> tuple[tuple[float, float], ...]:
        """Time to when the ring is still inside, and a square around the origin."""
        return (0.0, DURATION), (-1.0, 1.0), (-1.0, 1.0)

    @property
    def scale(self) -> float:
        """The pulse's peak."""
        return 1.0

    @property
    def residual_scale(self) -> float:
        """A tenth of the curvature of the pulse's peak: the ring is lower, and small."""
        return 0.1 / self.deviation**2

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The pulse, at rest, and edges that nothing reaches."""
        return (
            Condition("start", 0, (0,), self._pulse, weight=20.0),
            Condition("rest", 0, (0,), zeros(1), order=1, weight=20.0 * self.deviation**2),
            Condition("edges of y", 1, (0, 1), zeros(1)),
            Condition("edges of x", 2, (0, 1), zeros(1)),
        )

    def draw_face(self, condition: Condition, count: int, generator: torch.Generator) -> Tensor:
        """Draw every second point of the start around the pulse."""
        points = super().draw_face(condition, count, generator)
        if condition.axis == 0:
            near = torch.randn((len(points[::2]), 2), generator=generator)
            points[::2, 1:] = (NEAR * self.deviation * near).clamp(-1.0, 1.0)
        return points

    def residual(self, points: Tensor, found: Derivatives) -> Tensor:  # noqa: ARG002
        """Return u_tt less the Laplacian."""
        return found.second[0] - found.second[1] - found.second[2]

    def exact(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean over angles θ of g(r cos θ + t) and g(r cos θ - t), g as `_plane` has it.

        For J0(kr) is the mean of cos(kr cos θ), and the pulse's transform s² exp(-s²k²/2). So many
        angles leave out only Bessel functions of an order above every kr.
        """
        time, y, x = points.T
        pairs = np.stack([time, np.hypot(x, y)], axis=1).round(12)
        # On a grid many points are as far from the middle.
        unique, places = np.unique(pairs, axis=0, return_inverse=True)
        highest = WAVENUMBERS / self.deviation * float(unique[:, 1].max(initial=0.0))
        angles = math.ceil(highest / 2.0) + 20
        along = np.cos((np.arange(angles) + 0.5) * (math.pi / angles)) * unique[:, 1:]
        ahead, back = along - unique[:, :1], along + unique[:, :1]
        waves = (self._plane(ahead) + self._plane(back)).mean(axis=1) / 2.0
        return np.asarray(waves[places.ravel()])[:, None]

    def _plane(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return g(a), s² times the integral of k exp(-s²k²/2) cos(ka) over all k > 0."""
        share = distance / (math.sqrt(2.0) * self.deviation)
        return np.asarray(1.0 - 2.0 * share * dawson(share))

    def _pulse(self, points: Tensor) -> Tensor:
        squares = points[:, 1:].square().sum(dim=1, keepdim=True)
        return torch.exp(-squares / (2.0 * self.deviation**2))
