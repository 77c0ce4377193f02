from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .mutation import DAMAGES, mutants

if TYPE_CHECKING:
    from collections.abc import Callable


def first(count: int, seed: int, content: bytes) -> list[bytes]:
    return list(itertools.islice(mutants(seed, content), count))


@given(st.integers(), st.binary(max_size=300))
def test_the_seed_decides(seed: int, content: bytes) -> None:
    assert first(5, seed, content) == first(5, seed, content)


def test_seeds_and_numbers_give_different_damage() -> None:
    content = bytes(range(256)) * 4
    both = first(50, 1, content) + first(50, 2, content)
    assert len(set(both)) > 90
    assert all(mutant != content for mutant in both[:10])


@pytest.mark.parametrize("damage", DAMAGES)
@given(content=st.binary(max_size=100), seed=st.integers(0, 99))
def test_any_content_can_be_damaged(
    damage: Callable[[bytearray, random.Random], None], content: bytes, seed: int
) -> None:
    mutant = bytearray(content)
    damage(mutant, random.Random(seed))
    assert abs(len(mutant) - len(content)) <= max(300, len(content))
