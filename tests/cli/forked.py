"""The command as a process of its own at a fraction of the price: forked with torch loaded."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import pytest

from .making import ENVIRONMENT

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator
    from pathlib import Path

# Each line is a run: a child takes the streams and the folder, and ends as any process does, with
# the last flush of its streams. What follows `main` in it is Python's own way out.
SERVER = """
import gc, json, os, sys
import numpy, sinefit, sinefit.scoring, sinefit.fitting.loop, sinefit.rendering.render
import sinefit.api.batches, sinefit.api.files, sinefit.api.rendering, sinefit.api.studies
from sinefit.cli import main

# What the first fit imports is there for all.
sinefit.fit(numpy.zeros((4, 4)), steps=1, width=4, depth=1, omega=1, device="cpu", threads=1)
# A child would else copy every page on which it counts a reference at its end.
gc.collect()
gc.freeze()
reading, broken = os.pipe()
os.close(reading)
MODES = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND, os.O_WRONLY | os.O_CREAT)
for line in sys.stdin:
    words, folder, streams = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        for number, (name, place) in enumerate(zip(("stdin", "stdout", "stderr"), streams)):
            if place is None:
                os.close(number)
                setattr(sys, name, None)
                continue
            handle = broken if place == "broken" else os.open(place, MODES[number])
            os.dup2(handle, number)
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))
        sys.argv = ["sinefit", *words]
        main()
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit status, and the bytes in the files of its output and errors."""

    status: int
    stdout: bytes
    stderr: bytes


class Running:
    """A run on its way."""

    def __init__(self, answers: IO[str], stdout: Path, stderr: Path) -> None:
        self._answers = answers
        self._files = stdout, stderr
        self._number = int(answers.readline())
        self._ended: Ended | None = None

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it has not ended yet."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._number, number)

    def said(self) -> bytes:
        """Wait for the first line on standard error, which is a file, or for the end."""
        while True:
            written = self._files[1].read_bytes() if self._files[1].exists() else b""
            first, is_whole, _ = written.partition(b"\n")
            if is_whole or select.select([self._answers], [], [], 0.005)[0]:
                return first

    def wait(self) -> Ended:
        """Wait for the end."""
        if self._ended is None:
            status = int(self._answers.readline())
            stdout, stderr = (file.read_bytes() if file.exists() else b"" for file in self._files)
            self._ended = Ended(status, stdout, stderr)
        return self._ended


class Commands:
    """Runs of the command, one after the other."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._runs = 0

    def run(self, *words: object, cwd: Path, **streams: Any) -> Ended:
        """Run the command in a folder.

        `stdin`, `stdout` and `stderr` are paths to open for them, None to close them, "broken" for
        a pipe whose reader has gone; by default no input, and files whose content is returned.
        """
        return self.start(*words, cwd=cwd, **streams).wait()

    def start(self, *words: object, cwd: Path, **streams: Any) -> Running:
        """Start the command as `run` does; it must be waited for before the next one begins."""
        self._runs += 1
        files = [self._folder / f"{self._runs}.{name}" for name in ("stdout", "stderr")]
        places = {"stdin": "/dev/null", "stdout": files[0], "stderr": files[1], **streams}
        names = [None if place is None else str(place) for place in places.values()]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([[str(word) for word in words], str(cwd), names]))
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Running(self._process.stdout, files[0], files[1])


@pytest.fixture(scope="session")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Return a place to run the command in processes of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Commands(process, tmp_path_factory.mktemp("forked"))
