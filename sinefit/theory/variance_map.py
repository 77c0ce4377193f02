"""How the variances of pre-activations and Jacobians pass from one sine layer to the next.

A layer of the maps has weights of variance c_w²/(3 N), such as U(±c_w/√N) or N(0, c_w²/(3 N)), and
biases of variance c_b²; its pre-activations are normal in the limit of great width N. The closed
forms are those of Combette, Venaille, Pustelnik (2025), A new initialisation to Control Gradients
in Sinusoidal Neural network. Everything is dimensionless.
"""

from __future__ import annotations

import math

from sinefit.initializers.lambert import lambert_constants
from sinefit.theory.lambert_w import lambert_w0

__all__ = ["fixed_point", "jacobian_gain", "lambert_constants", "variance_map"]


def variance_map(s2: float, c_w: float, c_b2: float) -> float:
    """Return the variance of a layer's pre-activations, given `s2`, that of the layer before.

    It is (c_w²/6) (1 - exp(-2 s2)) + c_b2, since E[sin² z] = (1 - exp(-2 s2))/2 for z ~ N(0, s2).
    """
    return -c_w * c_w / 6.0 * math.expm1(-2.0 * s2) + c_b2


def fixed_point(c_w: float, c_b2: float) -> float:
    """Return sigma_a², the variance of pre-activations that deep layers tend to.

    It is c_b2 + c_w²/6 + W0(-(c_w²/3) exp(-c_w²/3 - 2 c_b2))/2. Without biases and with
    c_w² <= 3 the variance dies out, and the result is exactly 0.
    """
    gain = c_w * c_w / 3.0
    if c_b2 == 0.0 and gain <= 1.0:
        return 0.0
    branch = lambert_w0(-gain * math.exp(-gain - 2.0 * c_b2))
    return max(0.0, c_b2 + (gain + branch) / 2.0)


def jacobian_gain(c_w: float, sigma_a2: float) -> float:
    """Return sigma_g², the factor on the variance of Jacobian entries per layer.

    It is (c_w²/6) (1 + exp(-2 sigma_a2)), with `sigma_a2` the variance of the pre-activations:
    above 1 gradients explode with depth, below 1 they vanish.
    """
    return c_w * c_w / 6.0 * (1.0 + math.exp(-2.0 * sigma_a2))
