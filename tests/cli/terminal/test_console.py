from __future__ import annotations

import io
import json
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.cli.terminal.console import Messages, duration, printable, show_error, size
from sinefit.errors import SettingError
from tests.cli.terminals import Terminal

NAMES = ["photo[/b].png", "[bold]x", "a b.png", ":smile:.png", "r\udcffsum\u00e9.png"]


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


@pytest.mark.parametrize("name", NAMES)
def test_messages_show_any_name_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    messages = Messages(quiet=False)
    messages.say(f"{name}: done")
    messages.warn(f"{name}: cut")
    show_error(f"{name}: gone")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        f"{printable(name)}: done",
        f"sinefit: note: {printable(name)}: cut",
        f"sinefit: error: {printable(name)}: gone",
    ]


def test_a_long_line_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_error("word " * 100 + "end")
    assert capsys.readouterr().err.count("\n") == 1


def test_quiet_hides_notices_but_no_errors(capsys: pytest.CaptureFixture[str]) -> None:
    messages = Messages(quiet=True)
    messages.say("something")
    messages.warn("lost")
    messages.detail("a detail")
    show_error("broken")
    assert capsys.readouterr().err == "sinefit: error: broken\n"


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


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (42.2, "42 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (3599.6, "1 h 0 min"),
        (7440, "2 h 4 min"),
        (360000, "100 h 0 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (812, "812 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (3149, "3.1 kB"),
        (2_400_000, "2.4 MB"),
        (12_340_000_000, "12.34 GB"),
    ],
)
def test_sizes(count: int, words: str) -> None:
    assert size(count) == words
    assert re.fullmatch(r"[\d.]+ (B|kB|MB|GB)", words)


def test_details_are_for_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    Messages().detail("unasked")
    Messages(verbose=True).detail("asked")
    assert capsys.readouterr().err == "asked\n"


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"quiet": True, "verbose": True}, "--quiet and --verbose exclude each other"),
        ({"quiet": True, "progress": "json"}, "--quiet and --progress json exclude each other"),
        ({"quiet": True, "progress": "plain"}, "--quiet and --progress plain exclude each other"),
    ],
)
def test_what_contradicts_quiet(options: dict[str, Any], cause: str) -> None:
    with pytest.raises(SettingError, match=f"^{cause}: give one of them$"):
        Messages(**options)
    Messages(quiet=True, progress="none")


def test_for_machines_every_message_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    messages = Messages(progress="json", verbose=True)
    messages.say("said\nso")
    messages.detail("in detail")
    messages.warn("lost")
    messages.always("anyhow")
    messages.record({"event": "end", "psnr": float("inf"), "file": "bad\udcff"})
    show_error("broken")
    shown = capsys.readouterr()
    assert shown.out == ""
    *lines, error = shown.err.splitlines()
    records = [json.loads(line) for line in lines]
    assert [(record["event"], record.get("message")) for record in records] == [
        ("message", "said\nso"),
        ("message", "in detail"),
        ("note", "lost"),
        ("message", "anyhow"),
        ("end", None),
    ]
    assert records[-1]["psnr"] is None
    assert records[-1]["file"] == "bad\udcff"
    assert error == "sinefit: error: broken"


def test_elsewhere_there_are_no_records(capsys: pytest.CaptureFixture[str]) -> None:
    for mode in ("auto", "plain", "none"):
        Messages(progress=mode).record({"event": "start"})
    assert capsys.readouterr().err == ""
