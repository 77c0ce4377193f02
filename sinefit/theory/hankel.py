"""The Hankel function of order zero, which waves from a point in the plane follow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPACING: Final = 0.125
"""Of the nodes: the error is about exp(-2π / spacing), since the integrand has no pole nearer to
the real axis than 1."""
EXPONENT: Final = 40.0
"""Where the integrand ends: exp(-40) is below the rounding."""
PIECE: Final = 512
"""Values at a time: small ones need many nodes, and shall not make others have as many."""


def hankel(values: NDArray[np.complexfloating] | NDArray[np.floating]) -> NDArray[np.complex128]:
    """Return H0 of the first kind at values with a real part above 1e-6, to about 1e-13.

    For z in that half plane it is (4/π) exp(iz - iπ/4) ∫ exp(-z s²) / sqrt(2 + i s²) ds from 0 to
    infinity, by a turn of the path in Hankel's integral (Watson, 1944, A Treatise on the Theory of
    Bessel Functions, section 6.12), and the trapezoidal rule converges exponentially.
    """
    z = np.asarray(values, dtype=np.complex128)
    flat = z.ravel()
    if flat.size and float(flat.real.min()) < 1e-6:
        raise ValueError("the real parts must be at least 1e-6")
    order = np.argsort(flat.real)  # alike values have alike reaches
    found = np.empty_like(flat)
    for begin in range(0, flat.size, PIECE):
        chosen = order[begin : begin + PIECE]
        found[chosen] = _piece(flat[chosen])
    return found.reshape(z.shape)


def _piece(z: NDArray[np.complex128]) -> NDArray[np.complex128]:
    reach = math.sqrt(EXPONENT / float(z.real.min()))
    # Narrow integrands want nodes as much closer.
    spacing = SPACING * min(1.0, 3.0 / math.sqrt(float(np.abs(z).max())))
    total = np.full(len(z), 0.5 / math.sqrt(2.0), dtype=np.complex128)
    for node in np.arange(1, math.ceil(reach / spacing) + 1) * spacing:
        total += np.exp(-z * node**2) / np.sqrt(2.0 + 1j * node**2)
    result: NDArray[np.complex128] = (
        (4.0 / math.pi) * spacing * np.exp(1j * (z - math.pi / 4.0)) * total
    )
    return result
