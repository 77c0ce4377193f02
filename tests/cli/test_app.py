from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import typer.main

import sinefit
from sinefit.cli.app import app
from sinefit.cli.exit_codes import ExitCode

from .making import ENVIRONMENT, TINY, invoke, make_picture, succeed

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = ("fit", "render", "info", "eval", "inits")


def flags_of(command: str) -> dict[str, set[str]]:
    """Return the long flags of a command, each with all that it can be written as."""
    group = typer.main.get_command(app)
    found = {}
    for parameter in group.commands[command].params:  # type: ignore[attr-defined]
        names = {*parameter.opts, *parameter.secondary_opts}
        for name in names:
            if name.startswith("--"):
                found[name] = names
    return found


def test_the_version() -> None:
    result = succeed("--version")
    assert result.stdout == f"sinefit {sinefit.__version__}\n"
    assert result.stderr == ""


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_the_commands_and_the_exit_statuses(flag: str) -> None:
    shown = succeed(flag).stdout
    for command in COMMANDS:
        assert f" {command} " in shown
    statuses = shown.partition("Exit status:")[2]
    for code in ExitCode:
        assert f" {int(code)} " in statuses


def test_without_arguments_there_is_help() -> None:
    result = invoke()
    assert "Usage:" in result.output
    assert result.exit_code == 2
    assert invoke("nothing").exit_code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command: str) -> None:
    shown = succeed(command, "--help").stdout
    for flag in flags_of(command):
        assert flag in shown
    assert succeed(command, "-h").stdout == shown


@pytest.mark.parametrize(
    ("command", "defaults"),
    [
        ("fit", ["FILE's name with", "by the signal", "one per core", "the initializer's"]),
        ("render", ["what is piped in, else", "beside WEIGHTS", "the original's"]),
    ],
)
def test_help_tells_the_defaults_that_are_not_values(command: str, defaults: list[str]) -> None:
    shown = succeed(command, "--help").stdout
    for default in defaults:
        assert f"[default: ({default}" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_ordinary_flags_have_their_ordinary_senses(command: str) -> None:
    ordinary = {"-o": "--output", "-q": "--quiet", "-f": "--force", "-h": "--help"}
    ordinary.update({"-r": "--recursive", "-O": "--output-folder"})
    for names in flags_of(command).values():
        short = {name for name in names if not name.startswith("--")}
        assert all(ordinary[name] in names for name in short)


def test_light_commands_wait_for_no_heavy_library(tmp_path: Path) -> None:
    photo = make_picture(tmp_path / "photo.png")
    succeed("fit", photo, *TINY, "-q")
    code = """
import sys
from typer.testing import CliRunner
from sinefit.cli.app import app
weights, photo = sys.argv[1:]
for arguments in (["--help"], ["--version"], ["fit", "--help"], ["render", "--help"], ["inits"],
                  ["inits", "--json"], ["info", weights], ["info", photo, "--json"]):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, (arguments, result.output)
    print(*arguments, *sorted({"torch", "scipy"} & set(sys.modules)), sep="|")
"""
    weights = photo.with_suffix(".safetensors")
    done = subprocess.run(
        [sys.executable, "-c", code, str(weights), str(photo)],
        capture_output=True,
        check=True,
        env=ENVIRONMENT,
        text=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 8
    assert [line for line in lines if line.endswith(("|torch", "|scipy"))] == []


def test_a_variable_named_version_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINEFIT_VERSION", "1")
    assert "siren" in succeed("inits", "siren").stdout


def test_an_unexpected_error_is_one_line_unless_debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_badly(*_arguments: object) -> None:
        raise ZeroDivisionError("nobody\nexpected this")

    monkeypatch.setattr("sinefit.cli.inits.parameters_of", fail_badly)
    result = invoke("inits", "siren")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("sinefit: error: unexpected ZeroDivisionError: nobody expected this;")
    result = invoke("--debug", "inits", "siren")
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.parametrize("command", ["fit", "render", "eval", "info", "inits"])
def test_variables_are_named_after_flags(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = succeed(command, "--help").stdout
    for wrong in ("LENGTH", "AS_JSON", "_INPUT_FORMAT", "OUTPUT_FORMAT", "CONFIG_FILE"):
        assert f"SINEFIT_{command.upper()}_{wrong.lstrip('_')}" not in text
