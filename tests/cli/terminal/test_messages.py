from __future__ import annotations

import json
from typing import Any

import pytest

from sinefit.cli.terminal.console import printable
from sinefit.cli.terminal.messages import Messages
from sinefit.errors import SettingError

NAMES = ["photo[/b].png", "[bold]x", "a b.png", ":smile:.png", "r\udcffsum\u00e9.png"]


@pytest.mark.parametrize("name", NAMES)
def test_messages_show_any_name_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    messages = Messages(quiet=False)
    messages.say(f"{name}: done")
    messages.warn(f"{name}: cut")
    messages.streams.show_error(f"{name}: gone")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        f"{printable(name)}: done",
        f"sinefit: note: {printable(name)}: cut",
        f"sinefit: error: {printable(name)}: gone",
    ]


def test_quiet_hides_notices_but_no_errors(capsys: pytest.CaptureFixture[str]) -> None:
    messages = Messages(quiet=True)
    messages.say("something")
    messages.warn("lost")
    messages.detail("a detail")
    messages.streams.show_error("broken")
    assert capsys.readouterr().err == "sinefit: error: broken\n"


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
    messages.event({"event": "end", "psnr": float("inf"), "file": "bad\udcff"})
    messages.streams.show_error("broken")
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


def test_elsewhere_there_are_no_events(capsys: pytest.CaptureFixture[str]) -> None:
    for mode in ("auto", "plain", "none"):
        Messages(progress=mode).event({"event": "start"})
    assert capsys.readouterr().err == ""
