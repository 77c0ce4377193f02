from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sinefit.benchmark.settings import QUICK, STANDARD

if TYPE_CHECKING:
    from sinefit.benchmark.settings import BenchSettings


def longest(settings: BenchSettings) -> float:
    """Return the seconds that the parts may take for one file, without starting and measuring."""
    peak = 7 * settings.peak_seconds + 33 * settings.set_seconds
    pace = 2 * settings.pace_rounds * settings.pace_seconds
    race = settings.textbook_limit + settings.race_seconds
    return peak + pace + race + settings.fit_seconds + settings.eager_limit + settings.render_limit


def test_both_last_as_long_as_promised() -> None:
    assert 200 < longest(STANDARD) < 330
    assert longest(QUICK) < 30


def test_quick_is_never_more() -> None:
    quick, standard = asdict(QUICK), asdict(STANDARD)
    for name in ("picture", "width", "depth"):
        assert quick.pop(name) == standard.pop(name)
    assert all(quick[name] < standard[name] for name in quick)
