from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

import sinefit
from sinefit.cli.app import app
from sinefit.cli.commands import COMMANDS, load_command
from sinefit.cli.failures import ExitCode

from .making import ENVIRONMENT, TINY, invoke, make_picture, succeed

if TYPE_CHECKING:
    from pathlib import Path


def flags_of(command: str) -> dict[str, set[str]]:
    """Return the long flags of a command, each with all that it can be written as."""
    found = {}
    for parameter in load_command(command).params:
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


def options() -> list[tuple[str, Any]]:
    """Return every option there is, with the command line that leads to it."""
    found: list[tuple[str, Any]] = []

    def look(command: Any, name: str, parent: Any) -> None:
        context = command.make_context(name, [], parent=parent, resilient_parsing=True)
        found.extend(
            (context.command_path, parameter)
            for parameter in command.get_params(context)
            if parameter.param_type_name == "option"
        )
        for inner in getattr(command, "commands", {}):
            look(load_command(inner), inner, context)

    look(typer.main.get_command(app), "sinefit", None)
    return found


ORDINARY = {
    "-o": "--output",
    "-q": "--quiet",
    "-v": "--verbose",
    "-f": "--force",
    "-h": "--help",
    "-O": "--output-folder",
    "-r": "--recursive",
}
"""Every short flag, and the long one that it is short for."""
SWITCHES = {"--help", "--version", "--json", "--force", "--quiet", "--verbose", "--dry-run"}
SWITCHES |= {"--recursive", "--debug"}


def test_there_are_options_to_look_at() -> None:
    paths = {path for path, _ in options()}
    assert paths == {"sinefit", *(f"sinefit {command}" for command in COMMANDS)}
    for flag in (*ORDINARY.values(), *SWITCHES):
        assert any(flag in option.opts for _, option in options()), flag


@pytest.mark.parametrize(
    ("path", "option"), options(), ids=lambda value: getattr(value, "name", value)
)
def test_flags_have_their_ordinary_senses(path: str, option: Any) -> None:
    short = {name for name in option.opts + option.secondary_opts if not name.startswith("--")}
    long = {name for name in option.opts if name.startswith("--")}
    assert short <= ORDINARY.keys()
    for name in short:
        assert ORDINARY[name] in long
    for name, meaning in ORDINARY.items():
        # What has a short form has it everywhere.
        assert meaning not in long or name in short
    for name in long:
        assert re.fullmatch(r"--[a-z]+(-[a-z]+)*", name)
    if long & SWITCHES:
        assert option.is_flag
        assert not option.required
    assert not option.required
    assert option.help
    assert option.help.endswith(".")
    assert option.help.isascii()
    assert not getattr(option, "prompt", None)


def test_options_of_several_commands_mean_the_same() -> None:
    means: dict[str, set[str]] = {}
    for _, option in options():
        for name in ("--quiet", "--verbose", "--progress", "--device", "--threads", "--help"):
            if name in option.opts:
                means.setdefault(name, set()).add(f"{option.help} {option.default}")
    assert {name: len(texts) for name, texts in means.items()} == dict.fromkeys(means, 1)
    assert len(means) == 6


def test_light_commands_wait_for_no_heavy_library(tmp_path: Path) -> None:
    photo = make_picture(tmp_path / "photo.png")
    succeed("fit", photo, *TINY, "-q")
    code = """
import sys
from typer.testing import CliRunner
from sinefit.cli.app import app
weights, photo, damaged = sys.argv[1:]
for arguments in (["--help"], ["--version"], ["fit", "--help"], ["render", "--help"], ["inits"],
                  ["inits", "--json"], ["info", weights], ["info", photo, "--json"],
                  ["fit", damaged]):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == (3 if damaged in arguments else 0), (arguments, result.output)
    print(*arguments, *sorted({"numpy", "torch", "scipy"} & set(sys.modules)), sep="|")
"""
    weights, damaged = photo.with_suffix(".safetensors"), tmp_path / "damaged.png"
    damaged.write_bytes(photo.read_bytes()[:60])
    done = subprocess.run(
        [sys.executable, "-c", code, str(weights), str(photo), str(damaged)],
        capture_output=True,
        check=True,
        env=ENVIRONMENT,
        text=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 9
    # Whether weights are numbers, and what a signal holds, takes NumPy: the last three of these.
    assert "|numpy" not in "".join(lines[:-3])
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


@pytest.mark.parametrize("command", COMMANDS)
def test_variables_are_named_after_flags(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # click has them after the parameters of functions, which must then have the flags' names.
    for path, option in options():
        if path == f"sinefit {command}" and option.name != "help":
            # The first is the option's own; another means the same.
            flag = next(name for name in option.opts if name.startswith("--"))
            implied = f"SINEFIT_{command}_{option.name}".upper()
            words = flag.removeprefix("--").replace("-", "_")
            expected = f"SINEFIT_{command}_{words}".upper()
            assert (option.envvar or implied) == expected
