"""Burgers' equation, whose smooth start steepens to a shock."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import torch

from sinefit.solving.equation import Condition, Equation, Preset, zeros

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.solving.derivatives import Derivatives

SPACING: Final = 0.1
"""Of the trapezoidal rule, in units of the heat kernel's width: its error falls exponentially."""
REACH: Final = 7.0
"""Of the rule beyond where the integrand can peak, in those units: exp(-49) is nothing."""


@dataclass(frozen=True)
class Burgers(Equation):
    """A sine wave that runs into itself and is held apart by viscosity alone."""

    name: ClassVar[str] = "burgers"
    formula: ClassVar[str] = (
        "u_t + u u_x = ν u_xx; u(0, x) = -sin πx, u(t, ±1) = 0; t in [0, 1], x in [-1, 1]"
    )
    truth: ClassVar[str] = "Cole and Hopf's transform, integrated by the trapezoidal rule to 1e-9."
    reference: ClassVar[str] = (
        "Raissi, Perdikaris, Karniadakis (2019), Physics-informed neural networks, J. Comput. "
        "Phys. 378, section 3.1 and appendix A: ν = 0.01/π, 9 layers of 20"
    )
    axes: ClassVar[tuple[str, ...]] = ("t", "x")
    channels: ClassVar[tuple[str, ...]] = ("u",)
    orders: ClassVar[tuple[int, ...]] = (1, 2)
    shape: ClassVar[tuple[int, ...]] = (100, 256)
    reduced: ClassVar[Preset] = Preset(32, 4, 3000, 1024, 128, 4.0, reached=1e-2)
    full: ClassVar[Preset] = Preset(20, 8, 50000, 10000, 100, 4.0)

    viscosity: float = field(
        default=0.01 / math.pi, metadata={"help": "ν; the shock is about 2ν thin", "above": 0.0}
    )

    @property
    def domain(self) -> tuple[tuple[float, float], ...]:
        """Time from 0 to 1, the place from -1 to 1."""
        return (0.0, 1.0), (-1.0, 1.0)

    @property
    def scale(self) -> float:
        """The start's peak, which nothing exceeds."""
        return 1.0

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The start, and nothing at the walls."""
        return (
            Condition(
                "start", 0, (0,), lambda points: -torch.sin(math.pi * points[:, 1:]), weight=20.0
            ),
            Condition("walls", 1, (0, 1), zeros(1), weight=20.0),
        )

    def residual(self, points: Tensor, found: Derivatives) -> Tensor:  # noqa: ARG002
        """Return u_t + u u_x - ν u_xx."""
        return found.first[0] + found.values * found.first[1] - self.viscosity * found.second[1]

    def exact(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return -∫ sin π(x-y) g(y) dy / ∫ g(y) dy, g = exp(-cos π(x-y) / 2πν - y² / 4νt).

        It is the logarithmic derivative of what diffuses by the heat equation (Cole, 1951).
        """
        # What is added to -node² varies by at most 1/πν, so that no peak is farther out.
        reach = REACH + math.sqrt(1.0 / (math.pi * self.viscosity))
        nodes = np.linspace(-reach, reach, 2 * math.ceil(reach / SPACING) + 1)
        time, place = points[:, :1], points[:, 1:]
        angle = math.pi * (place - nodes * np.sqrt(4.0 * self.viscosity * time))  # (points, nodes)
        exponent = -np.cos(angle) / (2.0 * math.pi * self.viscosity) - nodes**2
        heat = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        found = -(np.sin(angle) * heat).sum(axis=1) / heat.sum(axis=1)
        return np.asarray(found)[:, None]
