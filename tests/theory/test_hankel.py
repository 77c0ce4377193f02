from __future__ import annotations

import numpy as np
import pytest
from scipy.special import hankel1

from sinefit.theory.hankel import hankel


def test_it_is_scipy_s_on_the_axis_and_above() -> None:
    rng = np.random.default_rng(0)
    real = 10.0 ** rng.uniform(-4.0, 2.0, 100)
    above = 10.0 ** rng.uniform(-2.0, 1.5, 100) * (1.0 + 1j * rng.uniform(0.0, 1.5, 100))
    for values in (real, above):
        assert np.abs(hankel(values) / hankel1(0, values) - 1.0).max() < 1e-12


def test_shapes_are_kept() -> None:
    assert hankel(np.ones((2, 3))).shape == (2, 3)
    assert hankel(np.ones((0,))).shape == (0,)


def test_the_singular_point_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        hankel(np.array([1.0, 0.0]))
