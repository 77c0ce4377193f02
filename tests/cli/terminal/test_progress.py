from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.progress import ProgressDisplay, curve
from sinefit.cli.terminal.streams import Streams
from sinefit.fitting.report import Progress
from tests.cli.terminals import ESCAPE, Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.cli.terminal.messages import ProgressMode


def report(share: float | None = 0.25, step: int = 50) -> Progress:
    return Progress("fitting", step, share, seconds=30.0, psnr=31.257, samples_per_second=2e5)


def test_a_terminal_has_a_live_bar(terminal: Terminal) -> None:
    with ProgressDisplay(Messages(Streams(stderr=terminal)), "a[/b].png") as display:
        display.show_fit(report())
    shown = terminal.getvalue()
    assert "\x1b[?25l" in shown  # the cursor is hidden while the bar moves
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    for words in ("a[/b].png", "step 50", "31.26 dB", "200k samples/s", "1 min 30 s left"):
        assert words in shown


class Full(Terminal):
    """A terminal that has gone, or a disk behind it that is full."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_bar_that_cannot_be_shown_ends_no_work() -> None:
    terminal = Full()
    streams = Streams(stderr=terminal)
    messages = Messages(streams, verbose=True)
    with ProgressDisplay(messages, "a.png") as display:
        messages.say("begun")
        display.show_fit(report())
        display.show_picture("a picture")
        messages.detail("going on")
    streams.show_error("at last")
    assert terminal.getvalue() == ""


def test_a_bar_without_an_end_tells_no_time_left(terminal: Terminal) -> None:
    with ProgressDisplay(Messages(Streams(stderr=terminal)), "a.png") as display:
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
    with ProgressDisplay(Messages(Streams(stderr=stream)), "photo.png", interval=0.0) as display:
        display.show_fit(report())
        display.show_fit(report(share=None, step=100))
        display.show_fit(Progress("measuring", 100, 0.5, 1.0, 31.0, 2e5))
    assert stream.getvalue().splitlines() == [
        "photo.png:  25% step 50  31.26 dB  200k samples/s  1 min 30 s left",
        "photo.png: step 100  31.26 dB  200k samples/s",
        "photo.png:  50% measuring  1.0 s left",
    ]


def test_plain_lines_come_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = 100.0
    with ProgressDisplay(Messages(), "photo.png", clock=lambda: now) as display:
        for tenths in range(200):
            now = 100.0 + tenths / 10
            display.update(tenths / 200, "")
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_quiet_shows_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressDisplay(Messages(quiet=True), "photo.png", interval=0.0) as display:
        display.update(0.5, "halfway")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("mode", "lines"), [("plain", ["a.png:  50% halfway"]), ("json", []), ("none", [])]
)
def test_modes_that_have_no_bar_even_on_a_terminal(
    mode: ProgressMode, lines: list[str], terminal: Terminal
) -> None:
    messages = Messages(Streams(stderr=terminal), progress=mode)
    with ProgressDisplay(messages, "a.png", interval=0.0) as display:
        display.update(0.5, "halfway")
        assert not display.takes_pictures
    assert terminal.getvalue().splitlines() == lines


@pytest.mark.parametrize(
    ("environment", "on_terminal", "escapes", "pictures"),
    [
        ({}, True, "any", True),
        ({"NO_COLOR": "1"}, True, "no colours", False),
        ({"TERM": "dumb"}, True, "none", False),
        ({"FORCE_COLOR": "1"}, True, "any", True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, "no colours", False),
        ({}, False, "none", False),
        ({"NO_COLOR": "1"}, False, "none", False),
        ({"TERM": "dumb"}, False, "none", False),
        ({"FORCE_COLOR": "1"}, False, "colours only", False),
    ],
)
def test_escapes_are_where_they_may_be(
    environment: Mapping[str, str],
    on_terminal: bool,
    escapes: str,
    pictures: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = Terminal() if on_terminal else io.StringIO()
    messages = Messages(Streams(stderr=stream), verbose=True)
    with ProgressDisplay(messages, "photo.png", interval=0.0) as display:
        assert display.takes_pictures == pictures
        display.show_fit(report())
        messages.warn("lost")
        messages.detail("more")
    found = set(ESCAPE.findall(stream.getvalue()))
    # Bold and dim are no colours.
    colours = {code for code in found if code.endswith("m") and code[2:-1] not in ("0", "1", "2")}
    moves = {code for code in found if not code.endswith("m")}
    assert bool(colours) == (escapes in ("any", "colours only"))
    assert bool(moves) == (escapes in ("any", "no colours"))
    if escapes == "none":
        assert "\x1b" not in stream.getvalue()
        assert "\r" not in stream.getvalue()


@pytest.mark.parametrize("columns", [80, 100])
def test_the_bar_fits_the_terminal(
    columns: int, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    name = "holiday-in-the-mountains-number-0042.png"
    with ProgressDisplay(Messages(Streams(stderr=terminal)), name) as display:
        display.show_fit(report(step=50))
        display.show_fit(report(step=8000))
    shown = ESCAPE.sub("", terminal.getvalue())
    assert "number-0042.png" in shown
    assert name not in shown
    assert "step 8000  31.26 dB  1 min 30 s left" in shown
    assert max(map(len, shown.splitlines())) <= columns


def test_a_picture_is_shown_below_the_bar(terminal: Terminal) -> None:
    with ProgressDisplay(Messages(Streams(stderr=terminal)), "a.png") as display:
        display.show_picture("a picture")
        display.update(0.5, "halfway")
    lines = [line.strip() for line in ESCAPE.sub("", terminal.getvalue()).splitlines()]
    bar = max(number for number, line in enumerate(lines) if line.endswith("halfway"))
    assert lines[bar + 1] == "a picture"


def test_the_curve() -> None:
    assert curve([1.0], 8) == ""
    assert curve([float("-inf"), 1.0], 8) == ""
    assert curve([0.0, 7.0], 8) == "▁█"
    assert curve([float(number) for number in range(800)], 8) == "▁▂▃▄▅▆▇█"


@pytest.mark.parametrize("columns", [40, 50, 60, 80, 120])
def test_a_narrow_bar_keeps_the_time_left_and_drops_the_pace_first(
    columns: int, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with ProgressDisplay(Messages(Streams(stderr=terminal)), "photo.png") as display:
        for step in range(50, 500, 50):
            display.show_fit(report(step=step))
    lines = [line for line in ESCAPE.sub("", terminal.getvalue()).split("\r") if "left" in line]
    assert lines
    for line in lines:
        assert "1 min 30 s left" in line
        assert len(line.strip("\n")) <= columns
        assert ("samples/s" in line) <= ("step" in line and "dB" in line)
    assert any("samples/s" in line for line in lines) == (columns > 80)
