"""Small inputs, and two ways to run the command: in this process, and as a process of its own."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from PIL import Image
from typer.testing import CliRunner

from sinefit.cli.app import app

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from typer.testing import Result

TINY = ("--steps", "5", "--width", "16", "--depth", "2", "--threads", "1")
"""Options of a fit that takes no time."""
COMMAND = (sys.executable, "-m", "sinefit")
ENVIRONMENT = {
    **{
        name: value
        for name, value in os.environ.items()
        if name not in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS")
    },
    "TERM": "xterm",
    "OMP_NUM_THREADS": "1",
}
"""An ordinary terminal's environment, whatever that of the tests is."""


def make_picture(
    path: Path, *, size: tuple[int, int] = (16, 12), channels: int = 3, **options: Any
) -> Path:
    """Save a smooth picture of `size` (width, height) with Pillow."""
    width, height = size
    rows, columns, channel = np.ogrid[0:height, 0:width, 0:channels]
    values = 127.5 + 60.0 * np.sin(rows / 3.0 + channel) + 60.0 * np.cos(columns / 4.0 - channel)
    pixels = values.astype(np.uint8)
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(path, **options)
    return path


def make_sound(path: Path, *, seconds: float = 0.1, rate: int = 8000) -> Path:
    """Save a tone of 440 Hz as 16-bit samples."""
    time_axis = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * time_axis), rate, subtype="PCM_16")
    return path


def make_array(path: Path, shape: tuple[int, ...] = (9, 12)) -> Path:
    """Save an array of float32 that rises along every axis."""
    np.save(path, np.arange(np.prod(shape), dtype=np.float32).reshape(shape))
    return path


def invoke(*arguments: object, stdin: bytes | None = None) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def succeed(*arguments: object, stdin: bytes | None = None) -> Result:
    """Run the command in this process; it must end with 0."""
    result = invoke(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return result


def fail(code: int, *arguments: object, stdin: bytes | None = None) -> str:
    """Run the command in this process; return its error, one line, after it ended with `code`."""
    result = invoke(*arguments, stdin=stdin)
    assert result.exit_code == code, result.stderr
    line = result.stderr.splitlines()[-1]
    assert line.startswith("sinefit: error: ")
    return line.removeprefix("sinefit: error: ")


def run(
    *arguments: object, cwd: Path, environment: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a process with pipes for its output."""
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if "input" not in options:
        streams["stdin"] = subprocess.DEVNULL
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env={**ENVIRONMENT, **(environment or {})},
        timeout=100,
        check=False,
        **{**streams, **options},
    )


# A terminal sends the signals of its keys to those whose own it is, which a session's leader makes
# it: here, before the command takes its place.
LEADER = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
LEADER += "os.execv(sys.argv[1], sys.argv[1:])"
PAUSE = 0.5
"""Seconds before a key: two at once could arrive as one."""


def press_on_terminal(
    *arguments: object,
    cwd: Path,
    environment: dict[str, str] | None = None,
    keys: Sequence[tuple[bytes, bytes]],
) -> tuple[int, bytes]:
    """Run the command on a pseudo-terminal of its own; return its exit status and all it wrote.

    Each of `keys` is what must have appeared since the one before, and what is typed then.
    """
    waiting = list(keys)
    since = 0

    def press(_process: subprocess.Popen[bytes], terminal: int, shown: bytes) -> None:
        nonlocal since
        if waiting and waiting[0][0] in shown[since:]:
            since = len(shown)
            time.sleep(PAUSE)
            os.write(terminal, waiting.pop(0)[1])

    leader = (sys.executable, "-c", LEADER, *COMMAND)
    return _on_terminal(leader, arguments, cwd, environment, press)


def run_on_terminal(
    *arguments: object,
    cwd: Path,
    environment: dict[str, str] | None = None,
    send: signal.Signals | None = None,
    after: bytes = b"",
    command: Sequence[str] = COMMAND,
) -> tuple[int, bytes]:
    """Run the command on a pseudo-terminal; return its exit status and all that it wrote there.

    `send` is a signal that it gets once `after` has appeared; `command` can stand for it.
    """
    waiting = [] if send is None else [send]

    def signal_once(process: subprocess.Popen[bytes], _terminal: int, shown: bytes) -> None:
        if waiting and after in shown:
            process.send_signal(waiting.pop())

    return _on_terminal(command, arguments, cwd, environment, signal_once)


def _on_terminal(
    command: Sequence[str],
    arguments: Sequence[object],
    cwd: Path,
    environment: dict[str, str] | None,
    react: Callable[[subprocess.Popen[bytes], int, bytes], None],
) -> tuple[int, bytes]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=cwd,
        env={**ENVIRONMENT, **(environment or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    deadline = time.monotonic() + 100
    # Reading a terminal whose other side is closed is an error on Linux.
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline:
            ready, _, _ = select.select([ours], [], [], 0.2)
            if ready:
                piece = os.read(ours, 65536)
                if not piece:
                    break
                shown += piece
            react(process, ours, shown)
    os.close(ours)
    if time.monotonic() >= deadline:
        process.kill()
    return process.wait(), shown
