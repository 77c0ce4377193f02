"""Finished bytes sent to a stream, whose reader may be late, or slow, or never come."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import shutil
import stat
import sys
import time
from typing import TYPE_CHECKING, BinaryIO, Final

from sinefit.descriptors import descriptor_of
from sinefit.files.targets import is_standard_output, mode_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    WaitCallback = Callable[[], None]

_PAUSE: Final = 0.1
"""Seconds between two looks whether a reader is there."""


def send_file(file: Path, target: str | Path, on_wait: WaitCallback) -> None:
    """Send a file's bytes to standard output, an open file, a device or a named pipe.

    `on_wait` is called every tenth of a second while the reader of a pipe keeps it waiting; what it
    raises ends the sending. Raises OSError, and BrokenPipeError when the reader has gone.
    """
    with file.open("rb") as content:
        if is_standard_output(target):
            _copy(content, sys.stdout.buffer, on_wait)
            sys.stdout.buffer.flush()
            return
        with _opened(target, on_wait) as stream:
            _copy(content, stream, on_wait)


def _opened(target: str | Path, on_wait: WaitCallback) -> BinaryIO:
    number = descriptor_of(target)
    if number is not None:
        return os.fdopen(os.dup(number), "wb")
    mode = mode_of(target)
    if mode is None or not stat.S_ISFIFO(mode):
        return open(target, "wb")  # noqa: PTH123 (any name; the caller closes it)
    while True:
        # Opened in the ordinary way, a named pipe holds whoever writes until someone reads, in a
        # call that a signal interrupts only to begin it again.
        try:
            handle = os.open(target, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            on_wait()
            time.sleep(_PAUSE)
        else:
            os.set_blocking(handle, True)
            return os.fdopen(handle, "wb")


def _copy(content: BinaryIO, stream: BinaryIO, on_wait: WaitCallback) -> None:
    number = _pipe_number(stream)
    if number is None:
        shutil.copyfileobj(content, stream)
        return
    stream.flush()
    waiting = select.poll()
    waiting.register(number, select.POLLOUT)
    # A pipe that is ready takes so many bytes at once, without holding whoever writes them.
    while piece := memoryview(content.read(select.PIPE_BUF)):
        while piece:
            while not waiting.poll(_PAUSE * 1000):
                on_wait()
            piece = piece[os.write(number, piece) :]


def _pipe_number(stream: BinaryIO) -> int | None:
    """Return the number of a stream that is a pipe, else None."""
    with contextlib.suppress(OSError, ValueError):  # a stream need not have a number
        number = stream.fileno()
        if stat.S_ISFIFO(os.fstat(number).st_mode) and hasattr(select, "poll"):
            return number
    return None
