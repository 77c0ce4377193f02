from __future__ import annotations

import math
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit import validation
from sinefit.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING = pytest.param(object(), id="object")  # named, as its address differs in every process
NO_NUMBERS: list[Any] = [None, True, np.True_, "3", b"3", NOTHING, [1, [2]], 1j, {}, math.sin]
LONG = 10**5000
"""More digits than Python writes."""


def repr_or_long(value: float) -> str:
    """Return the name of a test's value."""
    return "long" if abs(value) == LONG else repr(value)


@given(st.integers(1, 2**40))
def test_a_whole_number_in_any_form_is_the_same(value: int) -> None:
    forms = [value, float(value), np.int64(value), np.array(value), torch.tensor(value)]
    found = [validation.whole_number("steps", form) for form in forms]
    assert found == [value] * len(forms)
    assert {type(number) for number in found} == {int}


@pytest.mark.parametrize("value", [*NO_NUMBERS, 2.5, math.nan, math.inf, np.array([1, 2])], ids=str)
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(SettingError, match=r"^`steps` is .*: it must be a whole number$"):
        validation.whole_number("steps", value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "`steps` is 0: it must be at least 1"),
        (-7, "`steps` is -7: it must be at least 1"),
        (-LONG, "`steps` is out of all bounds: it must be at least 1"),
    ],
    ids=["zero", "negative", "long"],
)
def test_a_whole_number_below_its_bound_is_refused(value: int, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        validation.whole_number("steps", value)
    assert str(caught.value) == message


def test_a_whole_number_has_two_bounds() -> None:
    assert validation.whole_number("quality", 100, least=0, most=100) == 100
    with pytest.raises(SettingError, match="`quality` is 101: it must be from 0 to 100"):
        validation.whole_number("quality", 101, least=0, most=100)


@pytest.mark.parametrize(
    "value", [3, 3.0, Fraction(3), np.float32(3), np.array(3), torch.tensor(3.0)]
)
def test_a_number_in_any_form_is_the_same(value: Any) -> None:
    assert validation.number("start", value) == 3.0
    assert validation.positive("start", value) == 3.0
    assert validation.numbers("omega", value) == (3.0,)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=str)
def test_what_is_no_number_is_refused(value: Any) -> None:
    for check in (validation.number, validation.positive, validation.numbers, validation.fraction):
        with pytest.raises(SettingError, match=r"^`start` is [^\n]*: it must be"):
            check("start", value)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, LONG, -LONG], ids=repr_or_long)
def test_a_number_that_is_not_above_0_is_refused(value: float) -> None:
    with pytest.raises(SettingError, match=r"^`max_time` is .*: it must be more than 0 seconds$"):
        validation.positive("max_time", value, "seconds")


@pytest.mark.parametrize("form", [list, tuple, np.array, torch.tensor])
def test_several_numbers_in_any_form_are_the_same(form: Callable[[list[int]], Any]) -> None:
    assert validation.numbers("scale", form([2, 3])) == (2.0, 3.0)
    assert validation.whole_numbers("size", form([2, 3])) == (2, 3)
    assert {type(number) for number in validation.whole_numbers("size", form([2, 3]))} == {int}


@pytest.mark.parametrize("value", [[], (1, 2, 3), "1,2,3,4", 5, np.zeros((4, 4)), [1, 2, 3, None]])
def test_a_count_of_numbers_is_kept(value: Any) -> None:
    for check in (validation.numbers, validation.whole_numbers):
        with pytest.raises(SettingError, match=r"^`region` is [^\n]*: it must be 4 "):
            check("region", value, 4)


def test_fractions_are_exact() -> None:
    assert validation.fraction("rate", 0.1) == Fraction(0.1)
    assert validation.fraction("rate", np.int32(44100)) == 44100
    assert validation.fraction("rate", Fraction(30000, 1001)) == Fraction(30000, 1001)
    with pytest.raises(SettingError, match="`rate` is nan: it must be a number"):
        validation.fraction("rate", math.nan)


def test_truth_is_not_guessed() -> None:
    assert validation.truth("channels_last", np.True_) is True
    for value in (1, "no", None, np.array([True, False])):
        with pytest.raises(SettingError, match=r"`channels_last` is .*: it must be True or False"):
            validation.truth("channels_last", value)


def test_a_callback_can_be_called_or_is_none() -> None:
    good: list[object] = [None, print, lambda: 1, list]
    for value in good:
        validation.check_callback("on_end", value)
    bad: list[object] = [3, "print", [print]]
    for value in bad:
        with pytest.raises(SettingError, match=r"^`on_end` is .*: it must be a function, or None$"):
            validation.check_callback("on_end", value)


def test_seconds_are_more_than_0() -> None:
    assert validation.seconds("max_time", np.float32(1.5)) == 1.5
    with pytest.raises(SettingError, match=r"^`max_time` is 0: it must be more than 0 seconds$"):
        validation.seconds("max_time", 0)


def test_a_choice_is_one_of_a_few() -> None:
    validation.check_choice("domain", "grid", ("grid", "sphere"))
    for value in ("torus", None, 3, ["grid"]):
        with pytest.raises(SettingError, match=r"`domain` is .*: it must be one of grid, sphere"):
            validation.check_choice("domain", value, ("grid", "sphere"))


def test_a_name_of_a_file_is_a_text_or_a_path() -> None:
    assert validation.file_name("target", "a/b") == Path("a/b")
    for value in (None, 1, b"a"):
        with pytest.raises(SettingError, match=r"`target` is .*: it must be a file's name"):
            validation.file_name("target", value)


def test_threads_are_bounded_by_the_cores() -> None:
    most = validation.THREADS_PER_CORE * (os.cpu_count() or 1)
    assert validation.threads(most) == most
    with pytest.raises(SettingError, match=f"`threads` is {most + 1}: .* at most {most}$"):
        validation.threads(most + 1)
