"""What an equation is: its residual, its conditions, its domain and its known solution."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping  # noqa: TC003 (parameters are read off the annotations)
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from sinefit.parameters import check_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.solving.derivatives import Derivatives


@dataclass(frozen=True)
class Condition:
    """What must hold on a face of the domain: initial and boundary values."""

    name: str
    """What it is called in results."""
    axis: int
    """The axis that the face ends."""
    ends: tuple[int, ...]
    """Which faces: 0 where the axis begins, 1 where it ends."""
    target: Callable[[Tensor], Tensor]
    """The values at points (points, axes) in the equation's units, (points, channels)."""
    channels: tuple[int, ...] = (0,)
    """Which channels of the solution."""
    order: int = 0
    """0 where the values are those of the solution, 1 where they are those of its derivative along
    the axis."""
    weight: float = 1.0
    """Factor on its mean square in the loss."""


@dataclass(frozen=True)
class Preset:
    """How an equation is solved unless it is said."""

    width: int
    """Neurons per layer."""
    depth: int
    """Sine layers."""
    steps: int
    """Steps of Adam."""
    points: int
    """Collocation points of a step, inside the domain."""
    condition_points: int
    """Points of a step for each condition."""
    frequency: float
    """Standard deviation of the first layer's weights, radians per unit of a coordinate; what omega
    that stands for each initializer says itself."""
    learning_rate: float | None = None
    """Adam's rate as a paper states it, times the initializer's scales; None for the initializer's
    usual rates."""
    reached: float | None = None
    """Relative L2 error that siren reaches with it, about; None where that has not been tried."""


@dataclass(frozen=True)
class Equation(ABC):
    """A differential equation on a box, with conditions on its faces and a known solution.

    Its parameters are its dataclass fields, as an initializer's are: `burgers:viscosity=0.05`.
    A time axis is the first. A value out of range raises `SettingError`.
    """

    name: ClassVar[str]
    """What `sinefit solve` calls it."""
    formula: ClassVar[str]
    """The equation, its conditions and its domain in one line."""
    truth: ClassVar[str]
    """What the solution is compared with, in one sentence."""
    reference: ClassVar[str]
    """Authors, year, title or venue, and section."""
    axes: ClassVar[tuple[str, ...]]
    """Names of the axes, the first of them slowest in the array."""
    channels: ClassVar[tuple[str, ...]]
    """Names of what the solution consists of."""
    orders: ClassVar[tuple[int, ...]]
    """How often the residual differentiates along each axis."""
    shape: ClassVar[tuple[int, ...]]
    """Samples along each axis where the solution is compared, shown, and of the weights file."""
    reduced: ClassVar[Preset]
    """Ends in a minute or two on two cores."""
    full: ClassVar[Preset]
    """The paper's size, as far as it says so."""
    full_parameters: ClassVar[Mapping[str, Any]] = {}
    """Parameters that are others at the paper's size."""

    def __post_init__(self) -> None:
        check_parameters(self, f"equation {self.name}")

    @property
    @abstractmethod
    def domain(self) -> tuple[tuple[float, float], ...]:
        """Where each axis begins and ends."""

    @property
    @abstractmethod
    def scale(self) -> float:
        """Largest magnitude of the solution, about; it is what the network's ±1 stand for."""

    @property
    def residual_scale(self) -> float:
        """Magnitude of the residual's terms: its mean square over this square is in the loss."""
        return self.scale

    @property
    @abstractmethod
    def conditions(self) -> tuple[Condition, ...]:
        """What holds on the faces."""

    @abstractmethod
    def residual(self, points: Tensor, found: Derivatives) -> Tensor:
        """Return what the equation says is zero, (points, residuals), at points (points, axes)."""

    @abstractmethod
    def exact(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the known solution (points, channels) at points (points, axes)."""

    def draw_points(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw collocation points (count, axes) in the coordinates [-1, 1] of the network.

        They are spread evenly unless the equation says otherwise.
        """
        return 2.0 * torch.rand((count, len(self.axes)), generator=generator) - 1.0

    def draw_face(self, condition: Condition, count: int, generator: torch.Generator) -> Tensor:
        """Draw coordinates (count, axes) on the faces of a condition, spread evenly by default."""
        points = 2.0 * torch.rand((count, len(self.axes)), generator=generator) - 1.0
        ends = 2.0 * torch.tensor(condition.ends, dtype=points.dtype) - 1.0
        chosen = torch.randint(len(ends), (count,), generator=generator)
        points[:, condition.axis] = ends[chosen]
        return points

    def trusted(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return where the solution is compared, (points,): everywhere unless it is said."""
        whole: NDArray[np.bool_] = points[:, 0] == points[:, 0]
        return whole


def zeros(channels: int) -> Callable[[Tensor], Tensor]:
    """Return a condition's target that is zero everywhere."""
    return lambda points: points.new_zeros((len(points), channels))
