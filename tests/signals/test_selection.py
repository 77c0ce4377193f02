from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from sinefit.errors import SettingError
from sinefit.signals.selection import Selection


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        ({"start": -0.1}, "`start`"),
        ({"start": math.nan}, "`start`"),
        ({"start": math.inf}, "`start`"),
        ({"duration": 0.0}, "`duration`"),
        ({"duration": -1.0}, "`duration`"),
        ({"duration": math.inf}, "`duration`"),
        ({"region": (-1, 0, 1, 1)}, "`region`"),
        ({"region": (0, -1, 1, 1)}, "`region`"),
        ({"region": (0, 0, 0, 1)}, "`region`"),
        ({"region": (0, 0, 1, 0)}, "`region`"),
        ({"downsample": 0}, "`downsample`"),
        ({"domain": "torus"}, "`domain`"),
    ],
)
def test_values_that_cannot_be_are_named_by_their_flag(values: dict[str, Any], flag: str) -> None:
    with pytest.raises(SettingError, match=f"^{flag} is"):
        Selection(**values)


def test_the_smallest_values_are_accepted() -> None:
    kept = Selection(0.0, 1e-9, (0, 0, 1, 1), 1, True, True, "sphere", "m")
    assert dataclasses.astuple(kept) == (0.0, 1e-9, (0, 0, 1, 1), 1, True, True, "sphere", "m")
