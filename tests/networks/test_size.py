from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import SettingError
from sinefit.networks.size import NetworkSize

small = st.integers(1, 40)


def test_layers_from_the_first_to_the_linear_one() -> None:
    assert NetworkSize(2, 5, 3, 4).layers == ((5, 2), (5, 5), (5, 5), (4, 5))
    assert NetworkSize(3, 7, 1, 1).layers == ((7, 3), (1, 7))


@given(small, small, st.integers(1, 6), small)
def test_the_parameters_are_counted(inputs: int, width: int, depth: int, outputs: int) -> None:
    expected = (inputs + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * outputs
    assert NetworkSize(inputs, width, depth, outputs).parameter_count == expected


@pytest.mark.parametrize("name", ["in_features", "width", "depth", "out_features"])
@pytest.mark.parametrize("value", [0, -3])
def test_nothing_is_smaller_than_one(name: str, value: int) -> None:
    sizes = {"in_features": 2, "width": 4, "depth": 2, "out_features": 1} | {name: value}
    with pytest.raises(SettingError, match=f"{name} is {value}: it must be at least 1"):
        NetworkSize(**sizes)
