from __future__ import annotations

import numpy as np
import pytest
from scipy.special import jv

from sinefit.theory.bessel import bessel


@pytest.mark.parametrize("order", [-7, -1, 0, 1, 2, 5, 30])
def test_against_scipy(order: int) -> None:
    x = np.linspace(-40.0, 40.0, 333)
    np.testing.assert_allclose(bessel(order, x), jv(order, x), atol=1e-14)


def test_one_value() -> None:
    # The series J_1(x) = x/2 - x³/16 + x⁵/384 - ...
    assert bessel(1, 0.1) == pytest.approx(0.05 - 1e-3 / 16 + 1e-5 / 384, rel=1e-8)
