"""The command as a process of its own at a fraction of the price: forked with torch loaded."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from .making import ENVIRONMENT

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator
    from pathlib import Path

# Each connection is a run: a child takes the streams, the folder and the variables, and ends as any
# process does, with the last flush of its streams. What follows `main` in it is Python's own way
# out. Beside each a process waits to say how it ended.
SERVER = """
import gc, json, os, select, signal, socket, sys, tempfile
import numpy, sinefit, sinefit.scoring, sinefit.fitting.loop, sinefit.rendering.render
import sinefit.api.batches, sinefit.api.files, sinefit.api.rendering, sinefit.api.studies
from sinefit.cli import main

listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
# What the first fit imports is there for all.
sinefit.fit(numpy.zeros((4, 4)), steps=1, width=4, depth=1, omega=1, device="cpu", threads=1)
# A child would else copy every page on which it counts a reference at its end.
gc.collect()
gc.freeze()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print(flush=True)
while listening in select.select([listening, sys.stdin], [], [])[0]:
    caller, _ = listening.accept()
    if os.fork():
        caller.close()
        continue
    listening.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, handles, _, _ = socket.recv_fds(caller, 1, 3)
    words, folder, variables, are_open = json.loads(caller.makefile().readline())
    child = os.fork()
    if child == 0:
        caller.close()
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)
        tempfile.tempdir = None
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            if are_open[number]:
                os.dup2(handles[number], number)
                setattr(sys, name, open(number, "w" if number else "r", closefd=False))
            else:
                os.close(number)
                setattr(sys, name, None)
            os.close(handles[number])
        sys.argv = ["sinefit", *words]
        main()
    for handle in handles:
        os.close(handle)
    caller.sendall(b"%d\\n" % child)
    caller.sendall(b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    os._exit(0)
"""

# Stands for the command where a shell or a terminal starts it: hands its streams to a run, passes
# signals on to that, and ends as it does.
CLIENT = """
import json, os, signal, socket, sys
place, *words = sys.argv[1:]
run = socket.socket(socket.AF_UNIX)
run.connect(place)
socket.send_fds(run, [b"."], [0, 1, 2])
run.sendall(json.dumps([words, os.getcwd(), dict(os.environ), [1, 1, 1]]).encode() + b"\\n")
for number in range(3):
    os.close(number)
answers = run.makefile()
child = int(answers.readline())
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, lambda number, _: os.kill(child, number))
status = int(answers.readline())
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
"""
FLAGS = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND, os.O_WRONLY | os.O_CREAT)


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit status, and the bytes in the files of its output and errors."""

    status: int
    stdout: bytes
    stderr: bytes


class Running:
    """A run on its way."""

    def __init__(self, answers: socket.socket, stdout: Path, stderr: Path) -> None:
        self._answers = answers
        self._files = stdout, stderr
        self._number = self._answer()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it has not ended yet."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._number, number)

    def said(self) -> bytes:
        """Wait for the first line on standard error, which is a file, or for the end."""
        while True:
            first, is_whole, _ = _content(self._files[1]).partition(b"\n")
            if is_whole or select.select([self._answers], [], [], 0.005)[0]:
                return first

    def wait(self) -> Ended:
        """Wait for the end, once."""
        with self._answers:
            status = self._answer()
        return Ended(status, *(_content(file) for file in self._files))

    def _answer(self) -> int:
        line = b""
        while not line.endswith(b"\n"):
            piece = self._answers.recv(1)
            assert piece, "the server has gone"
            line += piece
        return int(line)


class Commands:
    """Runs of the command."""

    def __init__(self, place: str, folder: Path) -> None:
        self.words = (sys.executable, "-IS", "-c", CLIENT, place)
        """What stands for the command in a shell, with streams that are all open."""
        self._place = place
        self._folder = folder
        self._runs = 0

    def run(self, *words: object, cwd: Path, **streams: object) -> Ended:
        """Run the command in a folder.

        `stdin`, `stdout` and `stderr` are paths to open for them, None to close them, "broken" for
        a pipe whose reader has gone; by default no input, and files whose content is returned.
        """
        return self.start(*words, cwd=cwd, **streams).wait()

    def start(self, *words: object, cwd: Path, **streams: object) -> Running:
        """Start the command as `run` does; it is to be waited for."""
        self._runs += 1
        files = [self._folder / f"{self._runs}.{name}" for name in ("stdout", "stderr")]
        places = {"stdin": "/dev/null", "stdout": files[0], "stderr": files[1], **streams}
        asked = zip(places.values(), FLAGS, strict=True)
        handles = [_opened(place, flags) for place, flags in asked]
        are_open = [place is not None for place in places.values()]
        told = [[str(word) for word in words], str(cwd), ENVIRONMENT, are_open]
        answers = socket.socket(socket.AF_UNIX)
        answers.connect(self._place)
        socket.send_fds(answers, [b"."], handles)
        answers.sendall(json.dumps(told).encode() + b"\n")
        for handle in handles:
            os.close(handle)
        return Running(answers, files[0], files[1])


@pytest.fixture(scope="session")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Return a place to run the command in processes of its own."""
    # The name of a socket must be short.
    with tempfile.TemporaryDirectory() as short:
        place = os.path.join(short, "server")  # noqa: PTH118 (it is a name for sockets)
        with subprocess.Popen(
            [sys.executable, "-c", SERVER, place],
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            yield Commands(place, tmp_path_factory.mktemp("forked"))


def _opened(place: object, flags: int) -> int:
    """Return a handle of a stream, of nothing for one that is to be closed."""
    if place == "broken":
        reading, writing = os.pipe()
        os.close(reading)
        return writing
    return os.open("/dev/null" if place is None else str(place), flags)


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""
