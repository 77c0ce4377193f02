"""Covariance and tangent kernel of very wide sine networks, layer by layer in closed form.

For (u, v) jointly normal with variances p, q and covariance c
    E[sin u sin v] = exp(-(p+q)/2) sinh c,    E[cos u cos v] = exp(-(p+q)/2) cosh c,
which carry the kernels from layer to layer (Lee et al. 2018; Jacot et al. 2018; for sine networks
Belbute-Peres, Kolter 2023, section 3). The first layer need not be normal: with u = w x + b,
    E[sin u sin v] = (E cos w(x-x') - E cos(w(x+x') + 2b))/2,
and the same with a plus for cosines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass(frozen=True)
class WideKernels:
    """Kernels of the output, both (points, points)."""

    covariance: NDArray[np.float64]
    """Of outputs over draws of the network."""
    tangent: NDArray[np.float64]
    """Of the derivatives by all effective weights."""


def wide_kernels(
    points: NDArray[np.float64],
    mean_cosine: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    phase: float,
    c_w: float,
    c_b2: float,
    *,
    width: int,
    depth: int,
) -> WideKernels:
    """Return the kernels of `depth` sine layers and a linear one at points (points, axes).

    `mean_cosine` maps differences (..., axes) to E cos(w · difference) over the first layer's
    weights, see `uniform_mean_cosine` and `normal_mean_cosine`; `phase` is E cos(2b) over its
    biases, which are symmetric. All later weights have variance c_w²/(3 width), biases c_b2.
    """
    near = mean_cosine(points[:, None] - points[None])
    far = mean_cosine(points[:, None] + points[None]) * phase
    sines, cosines = (near - far) / 2.0, (near + far) / 2.0
    tangent = points @ points.T + 1.0
    gain = c_w * c_w / 3.0
    for layer in range(depth):
        tangent = width * sines + 1.0 + gain * cosines * tangent
        covariance = gain * sines + c_b2
        if layer < depth - 1:
            variances = np.diag(covariance)
            # One exponential of a difference, since either factor alone overflows.
            half = (variances[:, None] + variances[None]) / 2.0
            plus, minus = np.exp(covariance - half), np.exp(-covariance - half)
            sines, cosines = (plus - minus) / 2.0, (plus + minus) / 2.0
    return WideKernels(covariance, tangent)


def uniform_mean_cosine(
    bounds: tuple[float, ...],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return E cos(w · difference) for w uniform within ±bounds, one per axis."""

    def mean(differences: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.sinc(differences * np.asarray(bounds) / np.pi).prod(axis=-1)
        return found

    return mean


def normal_mean_cosine(
    deviations: tuple[float, ...],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return E cos(w · difference) for normal w with these deviations, one per axis."""

    def mean(differences: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled = np.square(differences * np.asarray(deviations)).sum(axis=-1)
        found: NDArray[np.float64] = np.exp(-scaled / 2.0)
        return found

    return mean
