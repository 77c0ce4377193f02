from __future__ import annotations

import pytest

from sinefit.fitting.report import Progress


def progress(share: float | None, seconds: float = 6.0) -> Progress:
    return Progress("fitting", 10, share, seconds, 20.0, 1000.0)


def test_what_remains_follows_from_the_pace() -> None:
    assert progress(0.25).remaining == pytest.approx(18.0)
    assert progress(1.0).remaining == 0.0


def test_what_remains_is_unknown_at_first_and_without_limits() -> None:
    assert progress(0.0).remaining is None
    assert progress(None).remaining is None
