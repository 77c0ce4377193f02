from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.cli.options.parsing import (
    parse_pixel_region,
    parse_rate,
    parse_region,
    parse_scale,
    parse_seconds,
    parse_size,
)
from sinefit.errors import SettingError
from sinefit.fitting.omega_choice import parse_omega

if TYPE_CHECKING:
    from collections.abc import Callable

PARSERS: list[Callable[[str], object]] = [
    parse_omega,
    parse_pixel_region,
    parse_region,
    parse_scale,
    parse_size,
    lambda text: parse_seconds("--start", text),
    lambda text: parse_rate("--fps", text),
]


def refusal_of(parse: Callable[[str], object], text: str) -> str | None:
    try:
        parse(text)
    except SettingError as error:
        return str(error)
    return None


positive = st.floats(min_value=1e-3, max_value=1e9)


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.text(max_size=20) | st.text("0123456789.,x/e+-smh ", max_size=12))
def test_any_text_is_read_or_refused_in_one_line_that_names_the_flag(
    parse: Callable[[str], object], text: str
) -> None:
    refusal = refusal_of(parse, text)
    if refusal is not None:
        assert refusal.startswith(("--", "`omega`"))
        assert len(refusal.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("90s", 90.0),
        ("1.5m", 90.0),
        ("1.5 min", 90.0),
        ("250ms", 0.25),
        ("2h", 7200.0),
        (" .5S ", 0.5),
        ("0", 0.0),
        ("1e2", 100.0),
        ("3.", 3.0),
    ],
)
def test_seconds(text: str, seconds: float) -> None:
    assert parse_seconds("--max-time", text) == pytest.approx(seconds, rel=1e-12)


@given(positive, st.sampled_from([("s", 1.0), ("m", 60.0), ("h", 3600.0), ("ms", 0.001)]))
def test_seconds_in_every_unit(number: float, unit: tuple[str, float]) -> None:
    assert parse_seconds("--start", f"{number!r}{unit[0]}") == pytest.approx(number * unit[1])


@pytest.mark.parametrize("text", ["", "s", "-1", "1:30", "90 seconds", "1d", "nan", "inf", "1,5"])
def test_wrong_seconds(text: str) -> None:
    with pytest.raises(SettingError, match=r"^--max-time is .*: write seconds, or .*90s$"):
        parse_seconds("--max-time", text)


def test_scale() -> None:
    assert parse_scale("4") == (4.0,)
    assert parse_scale("2x3") == (2.0, 3.0)
    assert parse_scale("0.5X1.25x1e1") == (0.5, 1.25, 10.0)


@given(st.lists(positive, min_size=1, max_size=4))
def test_scale_of_any_positive_factors(factors: list[float]) -> None:
    assert parse_scale("x".join(map(repr, factors))) == tuple(factors)


@pytest.mark.parametrize("text", ["", "x", "4x", "big", "2*3"])
def test_wrong_scale(text: str) -> None:
    with pytest.raises(SettingError, match=r"^--scale is .*: write a number, or width and height"):
        parse_scale(text)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=4))
def test_size(counts: list[int]) -> None:
    assert parse_size("x".join(map(str, counts))) == tuple(counts)


def test_a_side_of_a_size_may_be_left_out() -> None:
    assert parse_size("300x") == (300, None)
    assert parse_size("X200") == (None, 200)


def test_a_rate_over_zero_says_so() -> None:
    with pytest.raises(SettingError, match=r"^--fps is '1/0': nothing can be divided by 0$"):
        parse_rate("--fps", "1/0")


@pytest.mark.parametrize("text", ["", "x", "3000.5x2000", "3000,2000"])
def test_wrong_size(text: str) -> None:
    with pytest.raises(SettingError, match=r"^--size is .*: write width and height, 3000x2000, or"):
        parse_size(text)


@given(st.fractions(min_value=Fraction(1, 10**6), max_value=10**9, max_denominator=10**6))
def test_rate_as_a_ratio(rate: Fraction) -> None:
    assert parse_rate("--fps", str(rate)) == rate


def test_rate_is_exact() -> None:
    assert parse_rate("--fps", "29.97") == Fraction(2997, 100)
    assert parse_rate("--fps", " 30000/1001 ") == Fraction(30000, 1001)
    assert parse_rate("--rate", "96000") == 96000


# The exponents would be exact numbers of so many digits that they fill the memory.
@pytest.mark.parametrize("text", ["", "fast", "1/2/3", "1e5", "1e999999999", "9" * 99])
def test_wrong_rate(text: str) -> None:
    with pytest.raises(SettingError, match=r"^--rate is .*: write a number or a ratio"):
        parse_rate("--rate", text)


@pytest.mark.parametrize("text", ["0", "-1", "0/5", "-0.5"])
def test_a_rate_is_greater_than_zero(text: str) -> None:
    with pytest.raises(SettingError, match=r"^--fps is .*: it must be greater than 0$"):
        parse_rate("--fps", text)


def test_region() -> None:
    assert parse_region("1,2.5,3,4e1") == (1.0, 2.5, 3.0, 40.0)
    assert parse_pixel_region("1,2,3,4") == (1, 2, 3, 4)
    assert all(isinstance(number, int) for number in parse_pixel_region("1,2,3,4"))
    assert parse_pixel_region("1.0,2,3,4") == (1, 2, 3, 4)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "1x2x3x4", "a,b,c,d"])
def test_wrong_region(text: str) -> None:
    with pytest.raises(SettingError, match=r"^--region is .*: write X,Y,WIDTH,HEIGHT in pixels$"):
        parse_region(text)


@pytest.mark.parametrize("text", ["0,0,1.5,2", "0,0,inf,2", "nan,0,1,2"])
def test_a_region_to_fit_is_in_whole_pixels(text: str) -> None:
    assert not all(math.isfinite(value) and value.is_integer() for value in parse_region(text))
    with pytest.raises(SettingError, match="to fit a part, write whole pixels"):
        parse_pixel_region(text)
