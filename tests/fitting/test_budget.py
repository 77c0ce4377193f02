from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget


@pytest.mark.parametrize(
    ("flag", "values"),
    [
        ("`steps`, `max_time` or `target_psnr`", {}),
        ("`steps` is 0", {"steps": 0}),
        ("`steps` is -5", {"steps": -5}),
        ("`max_time` is 0", {"max_time": 0.0}),
        ("`max_time` is -1", {"max_time": -1.0}),
        ("`max_time` is inf", {"max_time": math.inf}),
        ("`max_time` is nan", {"max_time": math.nan}),
        ("`target_psnr` is nan", {"target_psnr": math.nan}),
        ("`target_psnr` is inf", {"target_psnr": math.inf}),
    ],
)
def test_what_cannot_be_is_told_with_its_flag(flag: str, values: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=flag):
        Budget(**values)


def test_whether_it_ends_for_certain() -> None:
    assert Budget(steps=1).bounded
    assert Budget(max_time=1.0, target_psnr=30.0).bounded
    assert not Budget(target_psnr=30.0).bounded


def test_whichever_is_reached_first() -> None:
    budget = Budget(steps=100, max_time=10.0)
    assert budget.spent(0, 0.0) == 0.0
    assert budget.spent(30, 1.0) == pytest.approx(0.3)
    assert budget.spent(30, 7.0) == pytest.approx(0.7)
    assert budget.spent(100, 1.0) == budget.spent(1, 10.0) == budget.spent(500, 99.0) == 1.0
    assert Budget(target_psnr=30.0).spent(10**9, 1e9) == 0.0


@given(st.integers(1, 10**6), st.floats(1e-3, 1e6), st.integers(0, 10**6), st.floats(0, 1e6))
def test_the_share_lies_between_none_and_all(
    steps: int, max_time: float, taken: int, seconds: float
) -> None:
    budget = Budget(steps, max_time)
    share = budget.spent(taken, seconds)
    assert 0.0 <= share <= 1.0
    assert (share == 1.0) == (taken >= steps or seconds >= max_time)
    assert budget.spent(taken + 1, seconds) >= share
