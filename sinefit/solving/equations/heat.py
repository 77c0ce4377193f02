"""The heat equation: every wave decays, the fine ones first."""

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

WAVES: Final = ((1, 0.7), (4, 0.3))
"""Half periods on the rod and amplitude of the waves that it starts with."""


@dataclass(frozen=True)
class Heat(Equation):
    """A rod with cold ends that starts with two waves."""

    name: ClassVar[str] = "heat"
    formula: ClassVar[str] = (
        "u_t = α u_xx; u(0, x) = 0.7 sin πx + 0.3 sin 4πx, u(t, 0) = u(t, 1) = 0; t in [0, 1], "
        "x in [0, 1]"
    )
    truth: ClassVar[str] = "Fourier's series, of two terms: each decays by exp(-α n² π² t)."
    reference: ClassVar[str] = (
        "Raissi, Perdikaris, Karniadakis (2019), Physics-informed neural networks, J. Comput. "
        "Phys. 378, for the method"
    )
    axes: ClassVar[tuple[str, ...]] = ("t", "x")
    channels: ClassVar[tuple[str, ...]] = ("u",)
    orders: ClassVar[tuple[int, ...]] = (1, 2)
    shape: ClassVar[tuple[int, ...]] = (128, 128)
    reduced: ClassVar[Preset] = Preset(32, 3, 2000, 512, 128, 3.0, reached=5e-4)
    full: ClassVar[Preset] = Preset(128, 4, 20000, 4096, 512, 3.0)

    diffusivity: float = field(default=0.1, metadata={"help": "α", "above": 0.0})

    @property
    def domain(self) -> tuple[tuple[float, float], ...]:
        """Time and place from 0 to 1."""
        return (0.0, 1.0), (0.0, 1.0)

    @property
    def scale(self) -> float:
        """More than the start's peak."""
        return 1.0

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The start, and cold ends."""
        return (
            Condition("start", 0, (0,), _start, weight=20.0),
            Condition("ends", 1, (0, 1), zeros(1), weight=20.0),
        )

    def residual(self, points: Tensor, found: Derivatives) -> Tensor:  # noqa: ARG002
        """Return u_t - α u_xx."""
        return found.first[0] - self.diffusivity * found.second[1]

    def exact(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the series."""
        time, place = points[:, :1], points[:, 1:]
        found = np.zeros_like(time)
        for number, amplitude in WAVES:
            decay = np.exp(-self.diffusivity * (number * math.pi) ** 2 * time)
            found += amplitude * decay * np.sin(number * math.pi * place)
        return found


def _start(points: Tensor) -> Tensor:
    place = math.pi * points[:, 1:]
    return torch.stack([size * torch.sin(number * place) for number, size in WAVES]).sum(dim=0)
