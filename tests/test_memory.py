from __future__ import annotations

import pytest

from sinefit.errors import MemoryLimitError
from sinefit.memory import SHARE, available_bytes, check_memory


def test_free_memory_is_a_plausible_figure() -> None:
    have = available_bytes()
    assert have is None or 10**6 < have < 10**15


def test_work_may_take_a_share_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinefit.memory.available_bytes", lambda: 10**10)
    check_memory(int(SHARE * 10**10), "it needs {}", "take less")
    with pytest.raises(MemoryLimitError, match=r"^it needs 9\.5 GB, 10\.0 GB are free: take less$"):
        check_memory(95 * 10**8, "it needs {}", "take less")


def test_where_the_system_does_not_tell_all_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinefit.memory.available_bytes", lambda: None)
    check_memory(10**30, "it needs {}", "take less")
