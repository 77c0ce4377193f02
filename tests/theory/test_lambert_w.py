from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import lambertw

from sinefit.errors import SettingError
from sinefit.theory.lambert_w import lambert_w0


def test_agrees_with_scipy_over_the_range() -> None:
    below = -1 / math.e + np.logspace(-8, math.log10(1 / math.e), 400)
    above = np.logspace(-300, 308, 400)
    for x in (*below, *above):
        expected = lambertw(x).real
        # Close to the branch point the argument's own rounding moves W by its distance's root.
        distance = x + 1 / math.e
        tolerance = 1e-14 + 1e-16 / math.sqrt(distance)
        assert lambert_w0(float(x)) == pytest.approx(expected, rel=tolerance, abs=tolerance * 1e-9)


@settings(deadline=None)
@given(st.floats(-1.0, 600.0))
def test_inverts_w_exp_w(w: float) -> None:
    x = w * math.exp(w)
    # dx/dw = (w + 1) exp(w): the rounding of x, a few units in its last place, carried over.
    rounding = 4 * np.finfo(float).eps * abs(x)
    slope = (w + 1.0) * math.exp(w)
    tolerance = min(math.sqrt(8 * rounding), rounding / slope if slope > 0 else math.inf)
    assert lambert_w0(x) == pytest.approx(w, rel=4e-15, abs=2 * tolerance)


@settings(deadline=None)
@given(st.floats(1e-7, 2e-2))
def test_series_and_iteration_meet_near_the_branch_point(step: float) -> None:
    x = -1 / math.e + step
    w = lambert_w0(x)
    assert -1.0 < w < 0.0
    assert w * math.exp(w) == pytest.approx(x, abs=2e-16)


def test_the_double_root_is_exact() -> None:
    assert lambert_w0(-1 / math.e) == -1.0
    assert lambert_w0(-math.exp(-1)) == -1.0
    assert lambert_w0(math.nextafter(-1 / math.e, -1.0)) == -1.0


def test_zero_and_infinity() -> None:
    assert lambert_w0(0.0) == 0.0
    assert lambert_w0(math.inf) == math.inf
    assert lambert_w0(math.e) == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize("x", [-0.3679, -1.0, -math.inf, math.nan])
def test_no_real_branch_below(x: float) -> None:
    with pytest.raises(SettingError, match="at least -1/e"):
        lambert_w0(x)
