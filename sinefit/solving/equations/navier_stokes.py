"""The Navier-Stokes equations in two dimensions: vortices that decay in place."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch

from sinefit.solving.equation import Condition, Equation, Preset

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.solving.derivatives import Derivatives


@dataclass(frozen=True)
class NavierStokes(Equation):
    """Taylor and Green's vortices between walls that move as they do.

    The equations leave the pressure open up to a function of time: it is given on one edge.
    """

    name: ClassVar[str] = "navier-stokes"
    formula: ClassVar[str] = (
        "u_t + u u_x + v u_y = -p_x + ν Δu, the same of v, u_x + v_y = 0; u = -cos x sin y, "
        "v = sin x cos y at t = 0, given on the edge, and p where x = 0; t in [0, 1], x and y in "
        "[0, 2π]"
    )
    truth: ClassVar[str] = (
        "Taylor and Green's solution: velocities decay by exp(-2νt), p = -(cos 2x + cos 2y) "
        "exp(-4νt) / 4."
    )
    reference: ClassVar[str] = (
        "Taylor, Green (1937), Mechanism of the production of small eddies from large ones, Proc. "
        "R. Soc. A 158; of networks Raissi, Perdikaris, Karniadakis (2019), J. Comput. Phys. 378, "
        "section 4.1: ν = 0.01, 9 layers of 20"
    )
    axes: ClassVar[tuple[str, ...]] = ("t", "y", "x")
    channels: ClassVar[tuple[str, ...]] = ("u", "v", "p")
    orders: ClassVar[tuple[int, ...]] = (1, 2, 2)
    shape: ClassVar[tuple[int, ...]] = (11, 64, 64)
    reduced: ClassVar[Preset] = Preset(48, 3, 3000, 512, 128, 1.5, reached=3e-2)
    full: ClassVar[Preset] = Preset(128, 4, 40000, 8192, 1024, 1.5)

    viscosity: float = field(default=0.01, metadata={"help": "ν", "above": 0.0})

    @property
    def domain(self) -> tuple[tuple[float, float], ...]:
        """Time from 0 to 1, one period of the vortices along y and x."""
        return (0.0, 1.0), (0.0, 2.0 * math.pi), (0.0, 2.0 * math.pi)

    @property
    def scale(self) -> float:
        """The largest velocity."""
        return 1.0

    @property
    def residual_scale(self) -> float:
        """What the terms of the equations of motion are about."""
        return 0.3

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Velocities at the start and on the edges, the pressure on one."""
        velocities, pressure = (0, 1), (2,)
        return (
            Condition("start", 0, (0,), self._velocities, velocities, weight=10.0),
            Condition("edges of y", 1, (0, 1), self._velocities, velocities, weight=10.0),
            Condition("edges of x", 2, (0, 1), self._velocities, velocities, weight=10.0),
            Condition("pressure", 2, (0,), self._pressure, pressure, weight=10.0),
        )

    def residual(self, points: Tensor, found: Derivatives) -> Tensor:  # noqa: ARG002
        """Return both equations of motion, and the divergence."""
        motion, velocity = found.values[:, :2], found.first
        carried = motion[:, :1] * velocity[2][:, :2] + motion[:, 1:] * velocity[1][:, :2]
        push = torch.stack([velocity[2][:, 2], velocity[1][:, 2]], dim=1)
        friction = self.viscosity * (found.second[1] + found.second[2])[:, :2]
        divergence = velocity[2][:, :1] + velocity[1][:, 1:2]
        momentum = velocity[0][:, :2] + carried + push - friction
        return torch.cat([momentum, divergence], dim=1)

    def exact(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return both velocities and the pressure."""
        time, y, x = points.T
        decay = np.exp(-2.0 * self.viscosity * time)
        pressure = -(np.cos(2.0 * x) + np.cos(2.0 * y)) / 4.0 * decay**2
        found = [-np.cos(x) * np.sin(y) * decay, np.sin(x) * np.cos(y) * decay, pressure]
        return np.stack(found, axis=1)

    def _velocities(self, points: Tensor) -> Tensor:
        time, y, x = points.T
        decay = torch.exp(-2.0 * self.viscosity * time)
        return torch.stack([-x.cos() * y.sin() * decay, x.sin() * y.cos() * decay], dim=1)

    def _pressure(self, points: Tensor) -> Tensor:
        time, y, x = points.T
        waves = torch.cos(2.0 * x) + torch.cos(2.0 * y)
        return (-waves / 4.0 * torch.exp(-4.0 * self.viscosity * time))[:, None]
