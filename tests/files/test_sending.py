from __future__ import annotations

import os
import threading
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import pytest

from sinefit.errors import OutputError
from sinefit.files import write_bytes

from .making import Interruption, names

if TYPE_CHECKING:
    from pathlib import Path

LARGE = bytes(range(256)) * 4000
"""More than a pipe holds."""


def give_up() -> None:
    raise Interruption


def test_a_pipe_that_nobody_opens_can_be_left(here: Path) -> None:
    os.mkfifo("pipe")
    with pytest.raises(Interruption):
        write_bytes("pipe", b"content", force=False, on_wait=give_up)
    assert names(here) == ["pipe"]


def test_a_pipe_that_nobody_reads_can_be_left(here: Path) -> None:
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(Interruption):
        write_bytes("pipe", LARGE, force=False, on_wait=give_up)
    assert LARGE.startswith(os.read(reader, len(LARGE)))
    os.close(reader)


def test_standard_output_that_nobody_reads_can_be_left() -> None:
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w")
    with stream, redirect_stdout(stream), pytest.raises(Interruption):
        write_bytes("-", LARGE, force=False, on_wait=give_up)
    os.close(reading)


class Reader:
    """A thread that reads a pipe to its end, begun when somebody first waits for it."""

    def __init__(self, place: int | str) -> None:
        self._place = place
        self._received: list[bytes] = []
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        with open(self._place, "rb") as stream:  # noqa: PTH123 (it may be a number)
            self._received.append(stream.read())

    def begin(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    def received(self) -> bytes:
        self._thread.join(timeout=20)
        (content,) = self._received
        return content


@pytest.mark.parametrize("is_blocking", [True, False])
def test_a_reader_that_is_late_gets_all(is_blocking: bool) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, is_blocking)
    reader = Reader(reading)
    with os.fdopen(writing, "w") as stream, redirect_stdout(stream):
        write_bytes("-", LARGE, force=False, on_wait=reader.begin)
    assert reader.received() == LARGE


def test_a_named_pipe_waits_for_its_reader(here: Path) -> None:
    os.mkfifo("pipe")
    reader = Reader("pipe")
    write_bytes("pipe", LARGE, force=False, on_wait=reader.begin)
    assert reader.received() == LARGE


def test_a_pipe_that_is_removed_is_told(here: Path) -> None:
    os.mkfifo("pipe")
    with pytest.raises(OutputError, match=r"^pipe: cannot write: No such file"):
        write_bytes("pipe", LARGE, force=False, on_wait=(here / "pipe").unlink)


def test_a_reader_that_leaves_is_told() -> None:
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w")
    with stream, redirect_stdout(stream), pytest.raises(BrokenPipeError):
        write_bytes("-", LARGE, force=False, on_wait=lambda: os.close(reading))
