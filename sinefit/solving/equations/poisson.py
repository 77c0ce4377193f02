"""Poisson's equation with a source of several scales."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch

from sinefit.solving.equation import Condition, Equation, Preset, zeros

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.solving.derivatives import Derivatives


@dataclass(frozen=True)
class Poisson(Equation):
    """A product of sines, by its Laplacian and by zeros on the edge."""

    name: ClassVar[str] = "poisson"
    formula: ClassVar[str] = (
        "u_yy + u_xx = -(a² + b²) π² sin aπy sin bπx; u = 0 on the edge; x and y in [-1, 1]"
    )
    truth: ClassVar[str] = "sin aπy sin bπx, of which the source is made."
    reference: ClassVar[str] = (
        "Wang, Teng, Perdikaris (2021), Understanding and mitigating gradient flow pathologies in "
        "physics-informed neural networks, SIAM J. Sci. Comput. 43(5): their solution with a = 1, "
        "b = 4, of the Helmholtz equation there, of Poisson's here"
    )
    axes: ClassVar[tuple[str, ...]] = ("y", "x")
    channels: ClassVar[tuple[str, ...]] = ("u",)
    orders: ClassVar[tuple[int, ...]] = (2, 2)
    shape: ClassVar[tuple[int, ...]] = (128, 128)
    reduced: ClassVar[Preset] = Preset(48, 3, 3000, 512, 256, 2.5, reached=1e-2)
    full: ClassVar[Preset] = Preset(128, 5, 40000, 4096, 512, 4.0)

    a: int = field(default=1, metadata={"help": "half periods along y", "minimum": 1})
    b: int = field(default=4, metadata={"help": "half periods along x", "minimum": 1})

    @property
    def domain(self) -> tuple[tuple[float, float], ...]:
        """A square around the origin."""
        return (-1.0, 1.0), (-1.0, 1.0)

    @property
    def scale(self) -> float:
        """The solution's peak."""
        return 1.0

    @property
    def residual_scale(self) -> float:
        """The source's peak."""
        return (self.a**2 + self.b**2) * math.pi**2

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Zeros on all four edges."""
        return (
            Condition("edges of y", 0, (0, 1), zeros(1), weight=10.0),
            Condition("edges of x", 1, (0, 1), zeros(1), weight=10.0),
        )

    def residual(self, points: Tensor, found: Derivatives) -> Tensor:
        """Return the Laplacian less the source."""
        waves = torch.sin(self.a * math.pi * points[:, :1])
        waves = waves * torch.sin(self.b * math.pi * points[:, 1:])
        return found.second[0] + found.second[1] + self.residual_scale * waves

    def exact(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the product of sines."""
        vertical = np.sin(self.a * math.pi * points[:, :1])
        return np.asarray(vertical * np.sin(self.b * math.pi * points[:, 1:]))
