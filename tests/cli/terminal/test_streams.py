from __future__ import annotations

import io
import json
import math
import os
import pty
import select
from typing import TYPE_CHECKING

import pytest

from sinefit.cli.terminal.streams import JSON_VERSION, Streams
from sinefit.errors import InputError, OutputError, SettingError
from tests.cli import terminals

if TYPE_CHECKING:
    from pathlib import Path


class Terminal(io.TextIOWrapper):
    """A standard stream that says that it is a terminal."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())

    def isatty(self) -> bool:
        return True


def stdin_of(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content))


def test_all_of_standard_input_is_read() -> None:
    streams = Streams(stdin_of(b"\x00\xff\r\n" * 9))
    assert streams.input_bytes() == b"\x00\xff\r\n" * 9
    streams = Streams(stdin_of(b"\x00\xff\r\n"))
    assert streams.open_input().read(3) == b"\x00\xff\r"
    assert streams.open_input().read() == b"\n"


@pytest.mark.parametrize(
    ("stream", "reason"), [(None, "terminal"), (Terminal(), "terminal"), (stdin_of(b""), "empty")]
)
def test_no_input(stream: io.TextIOWrapper | None, reason: str) -> None:
    with pytest.raises(InputError, match=f"^standard input: .*{reason}"):
        Streams(stream).input_bytes()


@pytest.mark.parametrize("content", [b"weights", b""])
def test_a_pipe_is_one_even_if_it_is_empty(content: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    with open(reading, encoding="latin-1") as stream:  # noqa: PTH123 - a number, not a path
        assert Streams(stream).is_piped_into()


@pytest.mark.parametrize("content", [b"weights", b""])
def test_a_redirected_file_is_piped_in(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with (tmp_path / "x").open() as stream:
        assert Streams(stream).is_piped_into()


def test_the_null_device_and_a_closed_input_are_no_pipe() -> None:
    with open(os.devnull) as stream:  # noqa: PTH123 - a device
        assert not Streams(stream).is_piped_into()
    assert not Streams(stream).is_piped_into()  # the file is closed now
    assert not Streams(None).is_piped_into()


def test_a_terminal_is_no_pipe_and_another_device_is_one() -> None:
    ours, theirs = pty.openpty()
    with open(theirs) as stream:  # noqa: PTH123 - a number, not a path
        assert not Streams(stream).is_piped_into()
    os.close(ours)
    with open("/dev/zero") as stream:  # noqa: PTH123 - a device
        assert Streams(stream).is_piped_into()


@pytest.mark.parametrize("target", ["-", "/dev/stdout"])
def test_a_terminal_gets_no_bytes(target: str) -> None:
    Streams(stdout=io.StringIO()).refuse_terminal(target)
    streams = Streams(stdout=Terminal())
    streams.refuse_terminal("photo.png")
    with pytest.raises(SettingError, match="standard output is a terminal"):
        streams.refuse_terminal(target)


def test_other_terminals_get_no_bytes(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    (tmp_path / "link").symlink_to(os.ttyname(theirs))
    try:
        for target in (os.ttyname(theirs), f"/dev/fd/{theirs}", str(tmp_path / "link")):
            with pytest.raises(SettingError, match=f"^--output is {target}: it is a terminal"):
                Streams().refuse_terminal(target)
        ready, _, _ = select.select([ours], [], [], 0)
        assert ready == []  # it was looked at, nothing was written
    finally:
        os.close(ours)
        os.close(theirs)
    Streams().refuse_terminal(f"/dev/fd/{theirs}")  # nothing is open there; whoever writes says so


@pytest.mark.parametrize("target", [os.devnull, "missing", "pipe", "nul\0byte", "x" * 5000])
def test_what_is_no_terminal(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Streams().refuse_terminal(target)


def test_the_default_stream_is_no_terminal() -> None:
    assert Streams(stdout=io.StringIO()).default_output() == "-"
    with pytest.raises(SettingError, match="--output"):
        Streams(stdout=Terminal()).default_output()


def test_json_has_a_version_and_no_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    Streams.of_process().write_json(
        {"psnr": math.inf, "fit": {"snr": -math.inf, "list": (1.5, math.nan)}, "a": None}
    )
    written = capsys.readouterr().out
    assert written.endswith("}\n")
    assert written.count("\n") == 1
    assert json.loads(written, parse_constant=pytest.fail) == {
        "json_version": JSON_VERSION,
        "psnr": None,
        "fit": {"snr": None, "list": [1.5, None]},
        "a": None,
    }


def test_json_of_a_name_that_is_not_utf8(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    Streams.of_process().write_json({"file": "bad\udcff.png"})
    assert json.loads(capsysbinary.readouterr().out)["file"] == "bad\udcff.png"


class Failing(io.StringIO):
    """A standard output that cannot be written to."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def flush(self) -> None:
        raise self._error


def test_a_line_that_cannot_be_printed() -> None:
    full = Streams(stdout=Failing(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match=r"^standard output: cannot write: No space left"):
        full.write_line("so")
    with pytest.raises(BrokenPipeError):
        Streams(stdout=Failing(BrokenPipeError(32, "Broken pipe"))).write_line("so")


def test_a_standard_output_that_is_closed() -> None:
    closed = Streams()
    for act in (
        lambda: closed.write_line("so"),
        lambda: closed.write_json({}),
        closed.text_console,
    ):
        with pytest.raises(OutputError, match=r"^standard output is closed; "):
            act()


def test_a_long_line_stays_one_line() -> None:
    stderr = io.StringIO()
    Streams(stderr=stderr).show_error("word " * 100 + "end")
    assert stderr.getvalue().count("\n") == 1


def test_an_error_that_nobody_can_see_is_no_other_error() -> None:
    Streams().show_error("broken")
    Streams(stderr=Failing(OSError(28, "No space left on device"))).show_error("broken")


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
    stream = terminals.Terminal() if on_terminal else io.StringIO()
    Streams(stderr=stream).show_error("broken")
    assert ("\x1b[31m" in stream.getvalue()) == coloured
    assert "sinefit: error: broken" in stream.getvalue()
