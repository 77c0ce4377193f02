from __future__ import annotations

import pytest

from sinefit.errors import MemoryLimitError
from sinefit.memory import SHARE, available_bytes, check_memory, check_share


def test_free_memory_is_a_plausible_figure() -> None:
    have = available_bytes()
    assert have is None or 10**6 < have < 10**15


def test_work_may_take_a_share_of_it() -> None:
    check_share(int(SHARE * 10**10), 10**10, "it needs {}", "take less")
    with pytest.raises(MemoryLimitError, match=r"^it needs 9\.5 GB, 10\.0 GB are free: take less$"):
        check_share(95 * 10**8, 10**10, "it needs {}", "take less")


def test_where_the_system_does_not_tell_all_is_allowed() -> None:
    check_share(10**30, None, "it needs {}", "take less")


@pytest.mark.skipif(available_bytes() is None, reason="the system does not tell its free memory")
def test_it_is_this_machine_s_memory_that_counts() -> None:
    check_memory(10**6, "it needs {}", "take less")
    with pytest.raises(MemoryLimitError, match=r"^it needs 1000000\.0 GB, .* are free: take less$"):
        check_memory(10**15, "it needs {}", "take less")
