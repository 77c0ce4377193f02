"""The Helmholtz equation: waves from a source that leave the domain."""

from __future__ import annotations

import math
from collections.abc import Mapping  # noqa: TC003 (parameters are read off the annotations)
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import torch

from sinefit.solving.equation import Condition, Equation, Preset, zeros
from sinefit.theory.bessel import bessel
from sinefit.theory.hankel import hankel

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.solving.derivatives import Derivatives

LAYER: Final = 0.5
"""Thickness of the absorbing layer along every edge."""
ABSORPTION: Final = 5.0
"""Its strength at the edge."""
SOURCE_REACH: Final = 6.5
"""Standard deviations within which the source lies: exp(-21) is left."""
NODES: Final = 60
"""Of integrals over the source, by Gauss and Legendre's rule."""
CENTRE: Final = 1e-5
"""Smallest distance from the middle that is told apart from it."""


@dataclass(frozen=True)
class Helmholtz(Equation):
    """A Gaussian source in a perfectly matched layer, which absorbs what reaches it."""

    name: ClassVar[str] = "helmholtz"
    formula: ClassVar[str] = (
        "D_yy u + D_xx u + k² u = -f, f = exp(-r²/2s²) / 2πs², D_x = ∂_x / (1 + i a(x)), "
        "a = 5 ((|x| - 0.5) / 0.5)² where |x| > 0.5, else 0; u = 0 on the edges; x and y in [-1, 1]"
    )
    truth: ClassVar[str] = (
        "Hankel's function of the stretched distance, folded with the source where it is; compared "
        "inside the layer."
    )
    reference: ClassVar[str] = (
        "Sitzmann, Martel, Bergman, Lindell, Wetzstein (2020), Implicit Neural Representations "
        "with Periodic Activation Functions, NeurIPS, section 4.3; the authors' code: k = 20, "
        "s = 0.01, 4 sine layers of 256, 50000 steps of 52900 points, rate 2e-5; there the losses "
        "are absolute values"
    )
    axes: ClassVar[tuple[str, ...]] = ("y", "x")
    channels: ClassVar[tuple[str, ...]] = ("real part", "imaginary part")
    orders: ClassVar[tuple[int, ...]] = (2, 2)
    shape: ClassVar[tuple[int, ...]] = (128, 128)
    reduced: ClassVar[Preset] = Preset(48, 3, 2000, 768, 128, 6.0, reached=5e-3)
    full: ClassVar[Preset] = Preset(256, 4, 50000, 52900, 1024, 8.66, 2e-5)
    full_parameters: ClassVar[Mapping[str, Any]] = {"wavenumber": 20.0, "deviation": 0.01}

    wavenumber: float = field(
        default=10.0, metadata={"help": "k, radians per unit", "minimum": 1.0, "maximum": 200.0}
    )
    deviation: float = field(
        default=0.07, metadata={"help": "s, of the source", "minimum": 0.001, "maximum": 0.075}
    )

    @property
    def domain(self) -> tuple[tuple[float, float], ...]:
        """A square around the origin, the layer included."""
        return (-1.0, 1.0), (-1.0, 1.0)

    @cached_property
    def scale(self) -> float:
        """The larger part of the solution in the middle of the source."""
        return float(np.abs(self.exact(np.zeros((1, 2)))).max())

    @property
    def residual_scale(self) -> float:
        """What k² u is at most."""
        return self.wavenumber**2 * self.scale

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Zeros on the edges, which the layer lets exp(-5k/6) of a wave reach."""
        return (
            Condition("edges of y", 0, (0, 1), zeros(2), (0, 1)),
            Condition("edges of x", 1, (0, 1), zeros(2), (0, 1)),
        )

    def draw_points(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw every fourth point around the source."""
        points = super().draw_points(count, generator)
        near = torch.randn((len(points[::4]), 2), generator=generator)
        points[::4] = (1.5 * self.deviation * near).clamp(-1.0, 1.0)
        return points

    def residual(self, points: Tensor, found: Derivatives) -> Tensor:
        """Return D_yy u + D_xx u + k² u + f, divided out: its real and its imaginary part.

        D_x (D_x u) is u_xx / e² - e' u_x / e³ with e = 1 + i a. The source is where e is 1.
        """
        total = self.wavenumber**2 * torch.view_as_complex(found.values.contiguous())
        for axis in (0, 1):
            place = points[:, axis]
            depth = (place.abs() - (1.0 - LAYER)).clamp(min=0.0) / LAYER
            stretch = torch.complex(torch.ones_like(depth), ABSORPTION * depth.square())
            growth = 2.0 * ABSORPTION / LAYER * depth * place.sign()
            slope = torch.view_as_complex(found.first[axis].contiguous())
            bend = torch.view_as_complex(found.second[axis].contiguous())
            total = total + bend / stretch**2 - 1j * growth * slope / stretch**3
        squares = points.square().sum(dim=1)
        variance = self.deviation**2
        source = torch.exp(-squares / (2.0 * variance)) / (2.0 * math.pi * variance)
        return torch.view_as_real(total + source)

    def exact(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the waves that go outwards, continued into the layer along complex distances.

        Outside the source they are (i/4) H0(kr) times its transform at k, and inside (iπ/2) times
        H0(kr) ∫ f J0(ks) s ds up to r plus J0(kr) ∫ f H0(ks) s ds beyond it, since the mean of
        H0(k|x - y|) over the directions of y is the product of J0 of the nearer and H0 of the
        farther.
        """
        distance = np.hypot(points[:, 0], points[:, 1])
        reach = SOURCE_REACH * self.deviation
        inside = distance < reach
        found = np.empty(len(points), dtype=np.complex128)
        if inside.any():
            radii, places = np.unique(distance[inside].round(12), return_inverse=True)
            found[inside] = self._inside(np.maximum(radii, CENTRE), reach)[places.ravel()]
        if not inside.all():
            stretched = _stretched(points[~inside])
            far = np.sqrt(np.square(stretched).sum(axis=1))
            strength = math.exp(-((self.wavenumber * self.deviation) ** 2) / 2.0)
            found[~inside] = 0.25j * strength * hankel(self.wavenumber * far)
        return np.stack([found.real, found.imag], axis=1)

    def trusted(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Compare inside the layer, where the waves are those of the open plane."""
        within: NDArray[np.bool_] = np.abs(points).max(axis=1) < 1.0 - LAYER
        return within

    def _inside(self, radii: NDArray[np.float64], reach: float) -> NDArray[np.complex128]:
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        shares, weights = (nodes + 1.0) / 2.0, weights / 2.0
        nearer = radii[:, None] * shares  # (radii, nodes)
        farther = radii[:, None] + (reach - radii[:, None]) * shares
        regular = bessel(0, self.wavenumber * nearer)
        outgoing = hankel(self.wavenumber * farther)
        inner = (self._strength(nearer) * regular) @ weights * radii
        outer = (self._strength(farther) * outgoing) @ weights * (reach - radii)
        here = hankel(self.wavenumber * radii)
        result: NDArray[np.complex128] = 0.5j * math.pi * (here * inner + here.real * outer)
        return result

    def _strength(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the source times the distance."""
        variance = self.deviation**2
        bell = np.exp(-np.square(distance) / (2.0 * variance)) / (2.0 * math.pi * variance)
        return np.asarray(bell * distance)


def _stretched(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return the integral of 1 + i a from the middle to each point, along each axis."""
    depth = np.clip(np.abs(points) - (1.0 - LAYER), 0.0, None)
    bent = ABSORPTION * depth**3 / (3.0 * LAYER**2)
    return np.asarray(points + 1j * np.sign(points) * bent)
