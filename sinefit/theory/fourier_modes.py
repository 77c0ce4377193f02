"""Vectors on a grid beside Fourier modes, and a signal's share in the leading ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_MODES: Final = 6000
"""Compared with a vector; on grids of several axes the highest frequencies are left out."""
_AT_ONCE: Final = 512


@dataclass(frozen=True)
class NearestMode:
    """The Fourier mode that is most like a vector."""

    frequency: tuple[float, ...]
    """In radians per unit of each coordinate."""
    share: float
    """Share of the vector's energy in the cosine and the sine of that frequency; 1 for a mode."""


def nearest_modes(vectors: NDArray[np.floating], shape: tuple[int, ...]) -> tuple[NearestMode, ...]:
    """Return the nearest Fourier mode of each column of vectors (points, count).

    The points are the cell centres of a grid of that shape on [-1, 1], in C order. Frequencies are
    whole multiples of a quarter turn over the domain, on one axis of finer steps.
    """
    frequencies = _candidates(shape)  # (modes, axes)
    axes = [np.linspace(-1.0, 1.0, 2 * size + 1)[1::2] for size in shape]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(shape))
    wide = np.asarray(vectors, dtype=np.float64)
    shares = np.concatenate(
        [
            _shares(wide, frequencies[begin : begin + _AT_ONCE] @ points.T)
            for begin in range(0, len(frequencies), _AT_ONCE)
        ]
    )  # (modes, count)
    energy = np.square(wide).sum(axis=0)
    return tuple(
        NearestMode(
            tuple(frequencies[row].tolist()),
            float(shares[row, column] / energy[column]) if energy[column] else 0.0,
        )
        for column, row in enumerate(shares.argmax(axis=0))
    )


def captured_shares(
    vectors: NDArray[np.floating], values: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the share of a signal's energy in the first 1, 2, ... of orthonormal vectors.

    `vectors` are (points, count), `values` (points, channels), from which each channel's mean is
    taken. The result (count,) rises to 1 if the vectors are a basis; of a constant signal it is 1.
    """
    centred = np.asarray(values, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    total = float(np.square(centred).sum())
    if total == 0.0:
        return np.ones(vectors.shape[1])
    parts = np.square(np.asarray(vectors, dtype=np.float64).T @ centred).sum(axis=1)
    shares: NDArray[np.float64] = np.cumsum(parts) / total
    return shares


def _shares(vectors: NDArray[np.float64], phases: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the energy of vectors in the span of cos and sin of each row of phases."""
    cosine, sine = np.cos(phases), np.sin(phases)  # (modes, points)
    cc, ss = np.square(cosine).sum(axis=1), np.square(sine).sum(axis=1)
    cs = (cosine * sine).sum(axis=1)
    determinant = cc * ss - cs**2
    a, b = cosine @ vectors, sine @ vectors  # (modes, count)
    # Where sine and cosine are multiples of one another, one of them says all.
    alone = np.where(cc >= ss, cc, ss)[:, None]
    one = np.square(np.where((cc >= ss)[:, None], a, b)) / alone
    safe = np.where(determinant > 1e-9 * cc.max() ** 2, determinant, np.inf)[:, None]
    both = (ss[:, None] * a**2 - 2.0 * cs[:, None] * a * b + cc[:, None] * b**2) / safe
    found: NDArray[np.float64] = np.where(np.isinf(safe), one, both)
    return found


def _candidates(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return frequencies (modes, axes) up to Nyquist, or the lower ones of too many.

    Of a frequency and its negative there is one.
    """
    if len(shape) == 1:
        fine = max(1, min(16, MOST_MODES // shape[0]))  # steps to a half turn
        steps = np.arange(fine * shape[0] + 1, dtype=np.float64)
        return (steps * (math.pi / 2.0 / fine))[:, None]
    limits = list(shape)
    while math.prod(2 * limit + 1 for limit in limits) > 2 * MOST_MODES and max(limits) > 1:
        limits = [max(1, limit * 9 // 10) for limit in limits]
    ranges = [np.arange(-limit, limit + 1) for limit in limits]
    numbers = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, len(shape))
    return numbers[len(numbers) // 2 :].astype(np.float64) * (math.pi / 2.0)
