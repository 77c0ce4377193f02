from __future__ import annotations

import io
import re
import sys

import pytest

from sinefit.cli import console
from sinefit.cli.console import Messages, ProgressDisplay, duration, printable, show_error, size
from sinefit.fitting.report import Progress

NAMES = ["photo[/b].png", "[bold]x", "a b.png", ":smile:.png", "r\udcffsum\u00e9.png"]


class Terminal(io.StringIO):
    """A standard error that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def become_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Replace standard error; within a test, as pytest sets its own between a fixture and that."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "100")
    return stream


def report(share: float | None = 0.25, step: int = 50) -> Progress:
    return Progress("fitting", step, share, seconds=30.0, psnr=31.257, samples_per_second=2e5)


def test_names_are_printable_without_a_loss() -> None:
    assert printable("photo.png") == "photo.png"
    assert printable("résumé.png") == "résumé.png"
    assert printable("bad\udcff.png") == "bad\\xff.png"


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
    with ProgressDisplay(messages, "photo.png") as display:
        display.update(0.5, "halfway")
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


def test_a_terminal_has_a_live_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = become_terminal(monkeypatch)
    with ProgressDisplay(Messages(quiet=False), "a[/b].png") as display:
        display.show_fit(report())
    shown = terminal.getvalue()
    assert "\x1b[?25l" in shown  # the cursor is hidden while the bar moves
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    for words in ("a[/b].png", "step 50", "31.26 dB", "200k samples/s", "1 min 30 s left"):
        assert words in shown


def test_a_bar_without_an_end_tells_no_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = become_terminal(monkeypatch)
    with ProgressDisplay(Messages(quiet=False), "a.png") as display:
        display.show_fit(report(share=None))
    assert "31.26 dB" in terminal.getvalue()
    assert "left" not in terminal.getvalue()


@pytest.mark.parametrize("environment", [{}, {"FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_elsewhere_there_are_plain_lines(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = Terminal() if "TERM" in environment else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(console, "PLAIN_INTERVAL", 0.0)
    with ProgressDisplay(Messages(quiet=False), "photo.png") as display:
        display.show_fit(report())
        display.show_fit(report(share=None, step=100))
        display.show_fit(Progress("measuring", 100, 0.5, 1.0, 31.0, 2e5))
    assert stream.getvalue().splitlines() == [
        "photo.png:  25% step 50  31.26 dB  200k samples/s  1 min 30 s left",
        "photo.png: step 100  31.26 dB  200k samples/s",
        "photo.png:  50% measuring",
    ]


def test_plain_lines_come_every_few_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with ProgressDisplay(Messages(quiet=False), "photo.png") as display:
        for tenths in range(200):
            now = 100.0 + tenths / 10
            display.update(tenths / 200, "")
    assert len(capsys.readouterr().err.splitlines()) == 3


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
