"""Every setting of a fit is an option with all that belongs to one, and reaches its field."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from sinefit.cli.commands import load_command
from sinefit.cli.fit.command import fit
from sinefit.cli.flags import flags
from sinefit.cli.options.settings import OFFERED, budget_from, default_of, settings_from
from sinefit.cli.variables import variable_of
from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import NETWORK, FitConfig
from sinefit.fitting.holdout import parse_holdout
from sinefit.fitting.omega_choice import NyquistShare
from sinefit.initializers.registry import parse_initializer
from sinefit.networks.sine import SINE
from sinefit.settings import settings_in
from sinefit.signals.selection import Selection
from tests.cli.making import fail, succeed

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES: dict[str, tuple[str, Any]] = {
    "steps": ("7", 7),
    "max_time": ("2m", 120.0),
    "target_psnr": ("41.5", 41.5),
    "initializer": ("lambert:sigma_a=1", parse_initializer("lambert:sigma_a=1")),
    "network": ("sine", SINE),  # the others take no initializer
    "recipe": ("paper", "paper"),
    "omega": ("20,0.5nyquist", (20.0, NyquistShare(0.5))),
    "blocks": ("6x4", (6, 4)),
    "block_size": ("64", (64,)),
    "margin": ("0x3", (0, 3)),
    "ensemble": ("2", 2),
    "weights_per_value": ("0.5", 0.5),
    "width": ("9", 9),
    "depth": ("3", 3),
    "seed": ("5", 5),
    "device": ("cpu", "cpu"),
    "threads": ("1", 1),
    "learning_rate": ("0.5", 0.5),
    "stop_on": ("holdout", "holdout"),
    "holdout": ("5%", parse_holdout("holdout", "5%")),
    "supervise": ("gradient", "gradient"),
    "footprint": ("box", "box"),
    "schedule": ("constant", "constant"),
    "betas": ("0.8,0.95", (0.8, 0.95)),
    "epsilon": ("0.001", 0.001),
    "batch": ("11", 11),
    "precision": ("float32", "float32"),
    "coordinates": ("ends", "ends"),
    "targets": ("0,1", "0,1"),
    "dtype": ("float16", "float16"),
    "start": ("1.5m", 90.0),
    "duration": ("250ms", 0.25),
    "region": ("1,2,3,4", (1, 2, 3, 4)),
    "downsample": ("2", 2),
    "grey": ("true", True),
    "channels_last": ("true", True),
    "domain": ("sphere", "sphere"),
    "mask": ("mask.png", "mask.png"),
}
"""A text that says every setting, which none is by itself, and the value that it means."""
PARAMETERS = {parameter.name: parameter for parameter in load_command("fit").params}
EACH = pytest.mark.parametrize("each", OFFERED, ids=lambda each: each.name)


def test_no_setting_is_without_an_example() -> None:
    assert list(EXAMPLES) == [each.name for each in OFFERED]


def test_no_option_is_without_its_use() -> None:
    written = set(fit.__code__.co_varnames[: fit.__code__.co_argcount]) - {"context"}
    assert set(PARAMETERS) == written | {each.name for each in OFFERED}


@EACH
def test_a_setting_is_an_option(each: Any) -> None:
    option = PARAMETERS[each.name]
    assert option.opts == [f"--{flag}" for flag in (each.flag, each.also) if flag is not None]
    assert option.secondary_opts == []
    assert option.help == each.help
    assert option.metavar == (each.form or None)
    assert option.rich_help_panel == each.group
    assert option.default == default_of(each)
    assert flags()[each.word] == f"--{each.flag}"


@EACH
def test_a_setting_has_a_flag_a_variable_and_a_key(
    each: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, _ = EXAMPLES[each.name]

    def shown(*arguments: object) -> object:
        return tomllib.loads(succeed("fit", "--show-config", *arguments).stdout).get(each.flag)

    before = shown()
    by_flag = shown(f"--{each.flag}") if each.kind is bool else shown(f"--{each.flag}", text)
    assert str(by_flag).lower() == text
    assert by_flag != before
    file = tmp_path / "fit.toml"
    file.write_text(f"{each.flag} = {'true' if each.kind is bool else repr(text)}\n")
    assert shown("--config", file) == by_flag
    monkeypatch.setenv(variable_of("fit", each.flag), text)
    assert shown() == by_flag


def typed(each: Any) -> Any:
    """Return what the parser of options makes of a setting's example."""
    text, value = EXAMPLES[each.name]
    return value if each.kind in (int, float, bool) and each.form != "TIME" else text


def values_of(holder: Any) -> dict[str, Any]:
    return {each.name: EXAMPLES[each.name][1] for each in settings_in(holder) if each.group}


def test_options_reach_the_fields_of_their_settings() -> None:
    given = {each.name: typed(each) for each in OFFERED}
    assert settings_from(Selection, given) == Selection(**values_of(Selection))
    assert budget_from(given) == Budget(**values_of(Budget))
    recipe = EXAMPLES["initializer"][1]
    config = settings_from(FitConfig, given, initializer=recipe, budget=budget_from(given))
    assert config == FitConfig(**values_of(FitConfig), budget=budget_from(given))


def test_options_that_are_not_given_leave_the_defaults() -> None:
    recipe = parse_initializer("siren")
    given = {each.name: default_of(each) for each in OFFERED}
    assert settings_from(FitConfig, given, initializer=recipe) == FitConfig(recipe)
    assert settings_from(Selection, given) == Selection()
    assert budget_from(given) is None


def test_a_text_that_cannot_be_is_told_with_its_flag() -> None:
    with pytest.raises(SettingError, match=r"^--duration is 'soon': write seconds"):
        settings_from(Selection, {"duration": "soon"})


@pytest.mark.parametrize("each", [each for each in OFFERED if each.group == NETWORK])
def test_what_an_earlier_fit_has_decided_is_refused_beside_it(each: Any) -> None:
    said = fail(
        2, "fit", "a.png", "--from", "b.safetensors", f"--{each.flag}", EXAMPLES[each.name][0]
    )
    assert said.startswith(f"--{each.flag} and --from exclude each other: ")
