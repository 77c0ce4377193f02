from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from sinefit.cli.commands import COMMANDS, load_command

from .making import ENVIRONMENT, succeed


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_what_the_list_says_of_it(name: str) -> None:
    command = load_command(name)
    assert command.name == name
    # The list must tell it before the module is there; the docstring is where people edit it.
    assert command.help.startswith(f"{COMMANDS[name].sentence}\n\nExamples:\n")
    assert inspect.cleandoc(command.help) == command.help
    flags = {flag for parameter in command.params for flag in parameter.opts}
    assert f"--{COMMANDS[name].flag}" in flags


def test_the_list_is_in_the_help() -> None:
    shown = " ".join(succeed("--help").stdout.replace("│", " ").split())
    for name, known in COMMANDS.items():
        assert f" {name} {known.sentence} " in shown


@pytest.mark.parametrize(
    ("command", "modules"), [("--version", []), ("--help", []), ("inits siren", ["inits"])]
)
def test_no_other_command_is_imported(command: str, modules: list[str]) -> None:
    code = """
import atexit, sys
from sinefit.cli import main
atexit.register(lambda: print("modules", *sorted(sys.modules)))
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *command.split()],
        capture_output=True,
        check=True,
        env=ENVIRONMENT,
        text=True,
    )
    imported = done.stdout.splitlines()[-1].split()
    places = {f"sinefit.cli.{known.place.split(':')[0]}" for known in COMMANDS.values()}
    assert places & set(imported) == {f"sinefit.cli.{module}" for module in modules}
    assert ("rich.console" in imported) == (command != "--version")
