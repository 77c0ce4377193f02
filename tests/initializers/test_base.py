from __future__ import annotations

import math

import pytest

from sinefit.errors import SettingError
from sinefit.initializers.base import check_omega, mean_omega
from sinefit.networks.size import NetworkSize


def test_the_mean_is_geometric() -> None:
    assert mean_omega((7.0,)) == pytest.approx(7.0)
    assert mean_omega((10.0, 40.0)) == pytest.approx(20.0)
    assert mean_omega((1e200, 1e200, 1e-200)) == pytest.approx(1e200 ** (1 / 3))


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_only_positive_numbers_have_one(value: float) -> None:
    with pytest.raises(SettingError, match="must be a positive number"):
        mean_omega((30.0, value))


def test_one_factor_per_axis() -> None:
    check_omega((1.0, 2.0), NetworkSize(2, 4, 1, 1))
    with pytest.raises(SettingError, match="omega has 1 values, the network 2 input axes"):
        check_omega((1.0,), NetworkSize(2, 4, 1, 1))
