from __future__ import annotations

import io
import json
import math
import os
import pty
import select
import sys
from typing import TYPE_CHECKING

import pytest

from sinefit.cli.terminal.streams import (
    JSON_VERSION,
    default_stream,
    is_piped_into,
    read_standard_input,
    refuse_terminal,
    standard_input,
    text_console,
    write_json,
    write_line,
)
from sinefit.errors import InputError, OutputError, SettingError

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


def test_all_of_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", stdin_of(b"\x00\xff\r\n" * 9))
    assert read_standard_input() == b"\x00\xff\r\n" * 9
    monkeypatch.setattr(sys, "stdin", stdin_of(b"\x00\xff\r\n"))
    assert standard_input().read(3) == b"\x00\xff\r"
    assert standard_input().read() == b"\n"


@pytest.mark.parametrize(
    ("stream", "reason"), [(None, "terminal"), (Terminal(), "terminal"), (stdin_of(b""), "empty")]
)
def test_no_input(
    stream: io.TextIOWrapper | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", stream)
    with pytest.raises(InputError, match=f"^standard input: .*{reason}"):
        read_standard_input()


@pytest.mark.parametrize("content", [b"weights", b""])
def test_a_pipe_is_one_even_if_it_is_empty(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    with open(reading, encoding="latin-1") as stream:  # noqa: PTH123 - a number, not a path
        monkeypatch.setattr(sys, "stdin", stream)
        assert is_piped_into()


@pytest.mark.parametrize("content", [b"weights", b""])
def test_a_redirected_file_is_piped_in(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_bytes(content)
    with (tmp_path / "x").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert is_piped_into()


def test_the_null_device_and_a_closed_input_are_no_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as stream:  # noqa: PTH123 - a device
        monkeypatch.setattr(sys, "stdin", stream)
        assert not is_piped_into()
    assert not is_piped_into()  # the file is closed now
    monkeypatch.setattr(sys, "stdin", None)
    assert not is_piped_into()


def test_a_terminal_is_no_pipe_and_another_device_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with open(theirs) as stream:  # noqa: PTH123 - a number, not a path
        monkeypatch.setattr(sys, "stdin", stream)
        assert not is_piped_into()
    os.close(ours)
    with open("/dev/zero") as stream:  # noqa: PTH123 - a device
        monkeypatch.setattr(sys, "stdin", stream)
        assert is_piped_into()


@pytest.mark.parametrize("target", ["-", "/dev/stdout"])
def test_a_terminal_gets_no_bytes(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_terminal(target)
    monkeypatch.setattr(sys, "stdout", Terminal())
    refuse_terminal("photo.png")
    with pytest.raises(SettingError, match="standard output is a terminal"):
        refuse_terminal(target)


def test_other_terminals_get_no_bytes(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    (tmp_path / "link").symlink_to(os.ttyname(theirs))
    try:
        for target in (os.ttyname(theirs), f"/dev/fd/{theirs}", str(tmp_path / "link")):
            with pytest.raises(SettingError, match=f"^--output is {target}: it is a terminal"):
                refuse_terminal(target)
        ready, _, _ = select.select([ours], [], [], 0)
        assert ready == []  # it was looked at, nothing was written
    finally:
        os.close(ours)
        os.close(theirs)
    refuse_terminal(f"/dev/fd/{theirs}")  # nothing is open there; whoever writes says so


@pytest.mark.parametrize("target", [os.devnull, "missing", "pipe", "nul\0byte", "x" * 5000])
def test_what_is_no_terminal(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    refuse_terminal(target)


def test_the_default_stream_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_stream() == "-"
    monkeypatch.setattr(sys, "stdout", Terminal())
    with pytest.raises(SettingError, match="--output"):
        default_stream()


def test_json_has_a_version_and_no_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"psnr": math.inf, "fit": {"snr": -math.inf, "list": (1.5, math.nan)}, "a": None})
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
    write_json({"file": "bad\udcff.png"})
    assert json.loads(capsysbinary.readouterr().out)["file"] == "bad\udcff.png"


def test_json_needs_a_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match="standard output is closed"):
        write_json({})


class Failing:
    """A standard output that cannot be written to."""

    def __init__(self, error: OSError) -> None:
        self._error = error

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        raise self._error


def test_a_line_that_cannot_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Failing(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match=r"^standard output: cannot write: No space left"):
        write_line("so")
    monkeypatch.setattr(sys, "stdout", Failing(BrokenPipeError(32, "Broken pipe")))
    with pytest.raises(BrokenPipeError):
        write_line("so")


def test_a_standard_output_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    for act in (lambda: write_line("so"), lambda: write_json({}), text_console):
        with pytest.raises(OutputError, match=r"^standard output is closed; "):
            act()
