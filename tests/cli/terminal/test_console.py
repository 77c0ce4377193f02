from __future__ import annotations

import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.cli.terminal.console import printable, show_error
from tests.cli.terminals import Terminal


def test_names_are_printable_without_a_loss() -> None:
    assert printable("photo.png") == "photo.png"
    assert printable("résumé.png") == "résumé.png"
    assert printable("bad\udcff.png") == "bad\\xff.png"
    assert printable("two\nlines\x1b[31m\u2028.png") == "two\\nlines\\x1b[31m\\u2028.png"


@given(st.text())
def test_what_is_printable_is_one_line_without_commands_to_the_terminal(text: str) -> None:
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)


def test_a_long_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_error("word " * 100 + "end")
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "on_terminal", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
    ],
)
def test_colours(
    environment: dict[str, str],
    on_terminal: bool,
    coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = Terminal() if on_terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    show_error("broken")
    assert ("\x1b[31m" in stream.getvalue()) == coloured
    assert "sinefit: error: broken" in stream.getvalue()
