from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import SettingError
from sinefit.fitting.omega_choice import NyquistShare, checked_omega, omega_text, parse_omega


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", "auto"),
        (" AUTO ", "auto"),
        ("30", (30.0,)),
        ("90, 60.5", (90.0, 60.5)),
        ("nyquist", (NyquistShare(),)),
        ("0.5nyquist", (NyquistShare(0.5),)),
        (" .25 Nyquist", (NyquistShare(0.25),)),
        ("20,nyquist,1e-1nyquist", (20.0, NyquistShare(1.0), NyquistShare(0.1))),
    ],
)
def test_a_choice_in_words(text: str, expected: object) -> None:
    assert parse_omega(text) == expected


@pytest.mark.parametrize(
    "text", ["", "thirty", "30,", "30x60", "auto,30", "nyquist2", "xnyquist", "0.5 of nyquist"]
)
def test_other_words(text: str) -> None:
    with pytest.raises(SettingError, match=r"^`omega` is .*: write auto, a number, or one"):
        parse_omega(text)


@given(st.floats(1e-300, 1e300))
def test_a_share_is_read_back_from_its_text(share: float) -> None:
    assert parse_omega(str(NyquistShare(share))) == (NyquistShare(share),)


def test_numbers_are_told_in_short() -> None:
    assert omega_text((30.0, 1 / 3, NyquistShare(), NyquistShare(0.5))) == (
        "30,0.333333,nyquist,0.5nyquist"
    )


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_only_positive_factors_are_right(bad: float) -> None:
    assert checked_omega((1, NyquistShare(0.5))) == (1.0, NyquistShare(0.5))
    assert checked_omega(np.float32(2.0)) == (2.0,)
    for choice in ((1.0, bad), [NyquistShare(bad), 1.0], bad):
        with pytest.raises(SettingError, match=r"^`omega` is .*greater than 0"):
            checked_omega(choice)
