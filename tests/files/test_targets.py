from __future__ import annotations

import io
import os
import threading
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from sinefit.errors import OutputError
from sinefit.files import (
    check_output,
    is_standard_input,
    is_standard_output,
    is_stream,
    write_bytes,
)

from .making import interrupted_write, names


@pytest.mark.parametrize(
    "target", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", Path("-"), Path("/dev/stdout")]
)
def test_names_of_standard_output(target: str | Path) -> None:
    assert is_standard_output(target)
    assert is_stream(target)
    stream = io.TextIOWrapper(io.BytesIO())
    with redirect_stdout(stream):
        write_bytes(target, b"\x00\r\n\xff", force=False)
    assert isinstance(stream.buffer, io.BytesIO)
    assert stream.buffer.getvalue() == b"\x00\r\n\xff"


def test_a_closed_standard_output() -> None:
    closed = pytest.raises(OutputError, match=r"^standard output is closed")
    with redirect_stdout(None), closed:
        check_output("-", force=False)


def test_what_is_a_stream(here: Path) -> None:
    (here / "file").touch()
    os.mkfifo(here / "pipe")
    assert is_stream(os.devnull)
    assert is_stream(here / "pipe")
    for target in ("file", here, "missing", "./-"):
        assert not is_stream(target)
        assert not is_standard_output(target)


def test_devices_and_pipes_receive_the_bytes(here: Path) -> None:
    write_bytes(os.devnull, b"content", force=False)
    assert not Path(os.devnull).is_file()
    os.mkfifo(here / "pipe")
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append((here / "pipe").read_bytes()))
    reader.start()
    write_bytes("pipe", b"content" * 99999, force=False)
    reader.join(timeout=20)
    assert received == [b"content" * 99999]
    assert (here / "pipe").is_fifo()


def test_a_stream_gets_nothing_of_what_failed() -> None:
    stream = io.TextIOWrapper(io.BytesIO())
    with redirect_stdout(stream), pytest.raises(ValueError, match="x"):
        interrupted_write(Path("-"), ValueError("x"))
    assert isinstance(stream.buffer, io.BytesIO)
    assert stream.buffer.getvalue() == b""


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there are no such names here")
def test_an_open_file_receives_the_bytes_where_it_stands(here: Path) -> None:
    with (here / "log").open("wb", buffering=0) as file:
        file.write(b"before ")
        for name in (f"/dev/fd/{file.fileno()}", "link"):
            (here / "link").symlink_to(f"/dev/fd/{file.fileno()}")
            assert is_stream(name)
            check_output(name, force=False)
            write_bytes(name, b"content ", force=False)
            (here / "link").unlink()
        file.write(b"after")
    assert (here / "log").read_bytes() == b"before content content after"
    assert names(here) == ["log"]


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there are no such names here")
def test_an_open_file_that_cannot_be_written_is_known_before(here: Path) -> None:
    (here / "a").write_bytes(b"old")
    with (here / "a").open("rb") as file:
        name = f"/dev/fd/{file.fileno()}"
        with pytest.raises(OutputError, match=f"^{name}: it is not open for writing"):
            check_output(name, force=True)
    with pytest.raises(OutputError, match=f"^{name}: it is not open for writing"):
        check_output(name, force=True)
    assert (here / "a").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_names_of_standard_input(name: str) -> None:
    assert is_standard_input(name)
    assert not is_standard_input(name + "x")
