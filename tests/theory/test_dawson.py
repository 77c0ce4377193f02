from __future__ import annotations

import numpy as np
from scipy.special import dawsn

from sinefit.theory.dawson import dawson


def test_it_is_scipy_s() -> None:
    values = np.linspace(-40.0, 40.0, 2001)
    assert np.abs(dawson(values) - dawsn(values)).max() < 1e-14
