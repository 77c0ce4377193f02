"""The principal branch of Lambert's W, the inverse of w -> w exp(w)."""

from __future__ import annotations

import math

from sinefit.errors import SettingError

_INVERSE_E = 0.36787944117144233
_INVERSE_E_REST = -1.2428753672788363e-17
"""1/e is the sum of both: one float alone would spoil the distance to the branch point."""
_BRANCH_TOLERANCE = 1e-16
"""Arguments are rounded: what lies this little below -1/e is taken as -1/e."""


def lambert_w0(x: float) -> float:
    """Return W0(x) for x >= -1/e, to nearly full precision; exactly -1 at -1/e.

    At -1/e two real branches meet in a double root, where an iteration stalls and library code can
    return nan: near it the series in the square root of the distance takes its place.
    Raises `SettingError` below -1/e and for nan.
    """
    distance = (x + _INVERSE_E) + _INVERSE_E_REST
    if not distance >= -_BRANCH_TOLERANCE:
        raise SettingError(f"Lambert W of {x:g}: its argument must be at least -1/e")
    if distance <= 0.0:
        return -1.0
    if x == 0.0 or math.isinf(x):
        return x
    root = math.sqrt(2.0 * math.e * distance)
    if root < 1e-2:
        return _branch_series(root)
    return _halley(x, _first_guess(x, root))


def _branch_series(root: float) -> float:
    """Return W0 from `root` = sqrt(2 (1 + e x)), with an error of about root^7 / 60."""
    coefficients = (-1.0, 1.0, -1.0 / 3.0, 11.0 / 72.0, -43.0 / 540.0, 769.0 / 17280.0)
    total = -221.0 / 8505.0
    for coefficient in reversed(coefficients):
        total = total * root + coefficient
    return total


def _first_guess(x: float, root: float) -> float:
    if x < -0.2:
        return _branch_series(root)
    if x < math.e:
        return math.log1p(x)
    logarithm = math.log(x)
    return logarithm - math.log(logarithm)


def _halley(x: float, guess: float) -> float:
    """Solve w exp(w) = x for w by Halley's method, which triples the digits in each round."""
    w = guess
    for _ in range(30):
        # Dividing the residual by exp(w) keeps it finite for the largest arguments.
        residual = w - x * math.exp(-w)
        step = residual / (w + 1.0 - (w + 2.0) * residual / (2.0 * w + 2.0))
        w -= step
        if abs(step) <= 1e-15 * abs(w):
            break
    return w
