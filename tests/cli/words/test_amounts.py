from __future__ import annotations

import re

import pytest

from sinefit.cli.words.amounts import duration, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (42.2, "42 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (3599.6, "1 h 0 min"),
        (7440, "2 h 4 min"),
        (360000, "100 h 0 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (812, "812 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (3149, "3.1 kB"),
        (2_400_000, "2.4 MB"),
        (12_340_000_000, "12.34 GB"),
    ],
)
def test_sizes(count: int, words: str) -> None:
    assert size(count) == words
    assert re.fullmatch(r"[\d.]+ (B|kB|MB|GB)", words)
