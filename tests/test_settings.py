from __future__ import annotations

import ast
import dataclasses
import inspect
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest

import sinefit
from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import SETTINGS, FitConfig
from sinefit.settings import setting, settings_in, settle_settings
from sinefit.signals.selection import Selection
from sinefit.validation import whole_number

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

HOLDERS = (Budget, FitConfig, Selection)


@dataclass(frozen=True)
class Oven:
    """Stands for any dataclass of settings."""

    heat: int = field(
        metadata=setting("Degrees.", group="How", form="N", check=partial(whole_number, most=300))
    )
    mode: Literal["fan", "grill"] = field(
        default="fan", metadata=setting("Where from.", flag="by", decides=False)
    )
    is_light_on: bool = field(default=False, metadata=setting("The lamp.", word="light_on"))
    minutes: float | None = field(default=None, metadata=setting("How long.", unset="till done"))
    maker: str = "unknown"

    def __post_init__(self) -> None:
        settle_settings(self)


def test_what_is_known_of_a_setting_is_read_off_its_field() -> None:
    heat, mode, light, minutes = settings_in(Oven)
    assert (heat.name, heat.word, heat.flag, heat.form) == ("heat", "heat", "heat", "N")
    assert (heat.kind, heat.default, heat.group) == (int, dataclasses.MISSING, "How")
    assert (mode.choices, mode.flag, mode.decides) == (("fan", "grill"), "by", False)
    assert (light.name, light.word, light.flag) == ("is_light_on", "light_on", "light-on")
    assert (minutes.kind, minutes.default, minutes.unset) == (float, None, "till done")


def test_settings_are_brought_into_their_one_form() -> None:
    oven = Oven(np.float32(200.0), is_light_on=np.bool_(True))  # type: ignore[arg-type]
    assert (oven.heat, oven.is_light_on, oven.minutes) == (200, True, None)
    assert type(oven.heat) is int
    assert oven.is_light_on is True


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"heat": 301}, "`heat` is 301: it must be from 1 to 300"),
        ({"heat": None}, "`heat` is None: it must be a whole number"),
        ({"mode": "oil"}, "`mode` is oil: it must be one of fan, grill"),
        ({"is_light_on": "yes"}, "`light_on` is 'yes': it must be True or False"),
    ],
)
def test_what_cannot_be_is_refused_by_its_word(values: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingError, match=f"^{told}$"):
        Oven(**{"heat": 200, **values})


@pytest.mark.parametrize("holder", HOLDERS)
def test_every_field_of_a_fit_is_a_setting_and_told_of(holder: type[DataclassInstance]) -> None:
    found = {each.name for each in settings_in(holder)}
    other = {each.name for each in dataclasses.fields(holder)} - found
    # A budget has settings of its own, and the planned steps are measured.
    assert other == ({"budget", "planned_steps"} if holder is FitConfig else set())
    body = ast.parse(inspect.getsource(holder)).body[0].body  # type: ignore[attr-defined]
    for index, node in enumerate(body):
        if isinstance(node, ast.AnnAssign):
            after = body[index + 1]
            assert isinstance(after, ast.Expr), ast.unparse(node.target)
            assert isinstance(after.value, ast.Constant), ast.unparse(node.target)
    for each in settings_in(holder):
        assert each.help.endswith(".")


def test_words_and_flags_are_told_apart() -> None:
    for part in ("name", "word", "flag"):
        assert len({getattr(each, part) for each in SETTINGS}) == len(SETTINGS)


def test_only_the_machine_does_not_decide_a_fit() -> None:
    assert {each.name for each in SETTINGS if not each.decides} == {"device", "threads"}


def test_the_call_of_python_takes_every_setting_with_its_default() -> None:
    parameters = inspect.signature(sinefit.fit).parameters
    beside = {"source", "start_from", "on_progress"}
    of_files = {"start", "duration", "region", "downsample", "grey"}  # `read_signal` takes these
    offered = {each.word: each for each in SETTINGS if each.group is not None}
    assert set(parameters) - beside == set(offered) - of_files
    for word in set(parameters) - beside - {"network"}:
        assert parameters[word].default == offered[word].default, word
    assert parameters["network"].default == offered["network"].unset


def test_a_default_is_written_once() -> None:
    # Not as a number beside the field of the same setting.
    tree = ast.parse(Path(inspect.getfile(sinefit.fit)).read_text())
    (call,) = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "fit"
    ]
    written = {
        argument.arg
        for argument, default in zip(call.args.kwonlyargs, call.args.kw_defaults, strict=True)
        if isinstance(default, ast.Constant) and default.value is not None
    }
    assert written == set()
