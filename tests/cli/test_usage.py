"""Usage errors: one line that names the command, the cause and where to look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .making import fail, invoke, make_picture, run_on_terminal
from .terminals import ESCAPE

if TYPE_CHECKING:
    from pathlib import Path

LINES = [
    ("fit --foo", "fit: no such option --foo; did you mean --for? (see: sinefit fit --help)"),
    ("fit a.png --stpes 3", "fit: no such option --stpes; did you mean --steps? (see: sinefit fit"),
    ("fit a.png -z", "fit: no such option -z (see: sinefit fit --help)"),
    ("fit a.png --steps many", "fit: --steps is 'many': it must be a whole number (see: "),
    (
        "fit a.png --kind tune",
        "fit: --kind is 'tune': it must be one of image, audio, ",
    ),
    ("fit a.png --lr fast", "fit: --lr is 'fast': it must be a number (see: sinefit fit --help)"),
    ("render a --quality -1", "render: --quality is '-1': it must be at least 0 (see: "),
    ("fit a.png -o", "fit: option -o requires an argument (see: sinefit fit --help)"),
    ("fit a.png --force=3", "fit: option --force does not take a value (see: sinefit fit --help)"),
    ("render --size", "render: option --size requires an argument (see: sinefit render --help)"),
    ("render a --quality 900", "render: --quality is '900': it must be at most 100 (see: "),
    ("info", "info: missing argument 'FILE' (see: sinefit info --help)"),
    ("eval a", "eval: missing argument 'ORIGINAL' (see: sinefit eval --help)"),
    ("info a b", "info: got unexpected extra argument"),
    ("rendr a", "no such command 'rendr'; did you mean 'render'? (see: sinefit --help)"),
    ("--foo", "no such option --foo (see: sinefit --help)"),
    ("--debug", "missing command (see: sinefit --help)"),
]


@pytest.mark.parametrize(("command", "line"), LINES)
@pytest.mark.parametrize("more", ["", "--progress json", "-q"])
def test_a_usage_error_is_one_line(command: str, line: str, more: str) -> None:
    if more and not command.startswith(("fit a.png -", "render a -")):
        return
    name, *words = command.split()
    message = fail(2, name, *more.split(), *words)
    assert message.startswith(line)
    result = invoke(name, *more.split(), *words)
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)


@pytest.mark.parametrize("name", ["--\x1b[31m", "--[b]x", "--\udcff", "--two\nlines"])
def test_any_bytes_in_an_option(name: str) -> None:
    result = invoke("fit", name)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.isprintable()
    assert line.startswith("sinefit: error: fit: no such option --")


def test_help_without_arguments_is_help() -> None:
    result = invoke()
    assert result.exit_code == 2
    assert "Usage: " in result.output
    assert "error" not in result.stderr


def test_on_a_terminal_it_is_no_box_either(tmp_path: Path) -> None:
    make_picture(tmp_path / "a.png")
    status, shown = run_on_terminal("fit", "a.png", "--foo", cwd=tmp_path)
    assert status == 2
    assert ESCAPE.sub("", shown.decode()).splitlines() == [f"sinefit: error: {LINES[0][1]}"]
