from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinefit.theory.variance_map import fixed_point, jacobian_gain, lambert_constants, variance_map

TABLE = [
    # c_w, c_b², sigma_a², sigma_g², as published or derived independently, to the digits shown
    ("lambert 0", 1.7321, 0.0, 0.0, 1.0),
    ("lambert 1", 2.2989, 0.2384, 1.000, 1.000),
    ("siren, plain bias, N = 256", 2.4495, 0.0013, 0.799, 1.202),
    ("siren, official bias, N = 256", 2.4495, 1.172, 2.159, 1.013),
    ("siren, official bias, N = 512", 2.4495, 0.586, 1.540, 1.046),
    ("siren, official bias, N = 1024", 2.4495, 0.293, 1.203, 1.090),
    ("torch, N = 256", 1.0, 0.0013, 0.002, 0.333),
    ("ws 2.5, official bias, N = 512", 6.124, 0.586, 6.84, 6.25),
]


def gaussian_mean(function: object, variance: float) -> float:
    """E[function(z)] for z ~ N(0, variance), by quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    values = function(math.sqrt(variance) * nodes)  # type: ignore[operator]
    return float(np.sum(weights * values) / math.sqrt(2 * math.pi))


@pytest.mark.parametrize("variance", [0.0, 1e-4, 0.3, 1.0, 5.0])
@pytest.mark.parametrize(("c_w", "c_b2"), [(1.7, 0.0), (2.4, 0.3), (6.0, 1.0)])
def test_maps_are_gaussian_means_of_sine_and_cosine(
    variance: float, c_w: float, c_b2: float
) -> None:
    # N weights of variance c_w²/(3N) times sin z, and the Jacobian's cos z.
    after = c_w**2 / 3 * gaussian_mean(lambda z: np.sin(z) ** 2, variance) + c_b2
    gain = c_w**2 / 3 * gaussian_mean(lambda z: np.cos(z) ** 2, variance)
    assert variance_map(variance, c_w, c_b2) == pytest.approx(after, rel=1e-10, abs=1e-14)
    assert jacobian_gain(c_w, variance) == pytest.approx(gain, rel=1e-10)


@settings(deadline=None)
@given(st.floats(0.1, 30.0), st.floats(0.001, 20.0))
def test_the_fixed_point_is_one_and_is_where_the_map_leads(c_w: float, c_b2: float) -> None:
    point = fixed_point(c_w, c_b2)
    assert variance_map(point, c_w, c_b2) == pytest.approx(point, rel=1e-9)
    iterated = 10.0
    for _ in range(5000):
        iterated = variance_map(iterated, c_w, c_b2)
    assert point == pytest.approx(iterated, rel=1e-6)


@pytest.mark.parametrize("c_w", [0.5, 1.0, 1.7, math.sqrt(3.0)])
def test_without_biases_narrow_weights_let_the_variance_die_out(c_w: float) -> None:
    assert fixed_point(c_w, 0.0) == 0.0


@pytest.mark.parametrize("c_w", [1.8, 2.45, 6.0])
def test_without_biases_wide_weights_keep_a_variance(c_w: float) -> None:
    point = fixed_point(c_w, 0.0)
    assert point > 0.01
    assert variance_map(point, c_w, 0.0) == pytest.approx(point, rel=1e-12)


@pytest.mark.parametrize(("name", "c_w", "c_b2", "sigma_a2", "sigma_g2"), TABLE)
def test_table_of_fixed_points(
    name: str, c_w: float, c_b2: float, sigma_a2: float, sigma_g2: float
) -> None:
    # Constants and results are rounded to the digits shown.
    point = fixed_point(math.sqrt(3.0), 0.0) if name == "lambert 0" else fixed_point(c_w, c_b2)
    assert point == pytest.approx(sigma_a2, abs=5.5e-4 if sigma_a2 < 5 else 5.5e-3)
    assert jacobian_gain(c_w, point) == pytest.approx(
        sigma_g2, abs=5.5e-4 if sigma_g2 < 5 else 5.5e-3
    )


@settings(deadline=None)
@given(st.floats(0.05, 4.0))
def test_lambert_constants_ask_for_gain_1_at_the_wanted_deviation(sigma_a: float) -> None:
    c_w, c_b = lambert_constants(sigma_a)
    # The fixed point approaches a double root: its error is the rounding over sigma_a².
    tolerance = 1e-12 + 1e-15 / sigma_a**4
    assert fixed_point(c_w, c_b**2) == pytest.approx(sigma_a**2, rel=tolerance)
    assert jacobian_gain(c_w, sigma_a**2) == pytest.approx(1.0, rel=1e-14)
