from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys

import pytest
import typer

from sinefit.cli.exit_codes import exit_codes, outermost, show_tracebacks
from sinefit.cli.terminal.streams import Streams
from sinefit.errors import (
    InputError,
)

from .making import ENVIRONMENT


def outcome(error: BaseException) -> int:
    with pytest.raises(typer.Exit) as stop, exit_codes():
        raise error
    return int(stop.value.exit_code)


def test_an_error_becomes_a_line_and_a_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(InputError("so")) == 3
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "sinefit: error: so\n")


@pytest.mark.parametrize("error", [RuntimeError("a bug"), ValueError("a bug"), SystemExit(7)])
def test_bugs_show_where_they_are_when_asked(error: BaseException) -> None:
    show_tracebacks(wanted=True)
    try:
        with pytest.raises(type(error)) as raised, exit_codes():
            raise error
    finally:
        show_tracebacks(wanted=False)
    assert raised.value is error


def test_bugs_are_one_line_that_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(ValueError("a\nbug")) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "unexpected ValueError: a bug" in line
    assert "--debug" in line


def test_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(KeyboardInterrupt()) == 130
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP])
def test_a_batch_system_unwinds_the_command(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    steps = []

    def work() -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            steps.append("cleaned up")

    with pytest.raises(typer.Exit) as stop, exit_codes():
        work()
    assert stop.value.exit_code == 143
    assert steps == ["cleaned up"]
    assert signal.getsignal(number) is before


def test_a_reader_that_has_gone(capfd: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stream:  # noqa: PTH123 - a number, not a path
        with pytest.raises(typer.Exit) as stop, exit_codes(Streams(stdout=stream)) as streams:
            streams.write_line("x")
        # What Python still holds goes nowhere, without another error at its exit.
        stream.write("y")
        stream.flush()
    assert stop.value.exit_code == 141
    assert capfd.readouterr().err == ""


def test_nothing_happens_to_a_command_that_ends_well() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with exit_codes():
        pass
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_was_ignored_stays_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with exit_codes():
            signal.raise_signal(number)
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "standard output: cannot write: No sp"),
        (OSError(errno.EFBIG, "File too large", "/tmp/copy"), "/tmp/copy: cannot write: File too"),
        (OSError(errno.EIO, "Input/output error"), "standard output: cannot write: Input/output"),
    ],
)
def test_no_room_is_no_defect(
    error: OSError, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(error) == 5
    assert capsys.readouterr().err.startswith(f"sinefit: error: {line}")
    # Help is printed outside any command.
    with pytest.raises(SystemExit) as stop, outermost():
        raise error
    assert stop.value.code == 5
    assert capsys.readouterr().err.startswith(f"sinefit: error: {line}")


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file"), ValueError("a bug")])
def test_other_errors_outside_a_command_are_shown_whole(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, outermost():
        raise error
    assert raised.value is error


def test_an_error_that_cannot_be_shown_keeps_its_status() -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(typer.Exit) as stop, exit_codes(Streams(stderr=Full())):
        raise InputError("so")
    assert stop.value.exit_code == 3


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_closed_standard_stream_gives_its_number_to_no_file(number: int) -> None:
    code = f"""
import os
os.close({number})
from sinefit.cli.exit_codes import outermost
with outermost():
    raise SystemExit(os.open(__file__, os.O_RDONLY))
"""
    code = code.replace("__file__", repr(__file__))
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, check=False)
    assert done.returncode > 2
