from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import SettingError
from sinefit.jobs.shards import Shard


@given(st.integers(0, 60), st.integers(1, 70))
def test_shards_share_all_items_and_none_twice(items: int, count: int) -> None:
    parts = [Shard(number, count).of_all(range(items)) for number in range(1, count + 1)]
    assert sorted(item for part in parts for item in part) == list(range(items))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("value", ["3/16", " 3 / 16 ", (3, 16), [3, 16]])
def test_a_shard_is_two_numbers(value: object) -> None:
    assert Shard.of(value) == Shard(3, 16)
    assert str(Shard.of(value)) == "3/16"


@pytest.mark.parametrize("value", ["", "3", "0/4", "5/4", "1/0", "-1/4", "a/b", "1/2/3", (1,), 3])
def test_anything_else_is_refused_in_one_line(value: object) -> None:
    with pytest.raises(SettingError, match=r"^`shard` is .*") as caught:
        Shard.of(value)
    assert "\n" not in str(caught.value)
