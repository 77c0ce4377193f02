"""What a stretch of time buys: files fitted at full size by the command, each in its own process.

A process of its own is what a person starts, and the system knows how much memory it took at most.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinefit.benchmark import launch
from sinefit.errors import SinefitError
from sinefit.fields.metadata import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.benchmark.clock import Clock

_ERROR = "sinefit: error: "


@dataclass(frozen=True)
class FileFit:
    """The outcome of one fit."""

    file: str
    """As it was named."""
    psnr: float
    """In dB, as saved."""
    psnr_float: float
    """In dB, of unrounded values."""
    steps: int
    samples_per_second: float
    """Of training."""
    seconds: float
    """Of training, from the first step to the last."""
    process_seconds: float
    """From the start of the command to its end, reading, measuring and writing included."""
    peak_memory_bytes: int
    """The most that the process held of memory, with Python and its libraries."""


def fit_file(
    file: str, command: Sequence[str], device: str, seconds: float, clock: Clock
) -> FileFit:
    """Fit a file for some seconds in a process of its own.

    `command` is what starts sinefit. Raises SinefitError with the command's own words if it fails.
    """
    with tempfile.TemporaryDirectory(prefix="sinefit-bench-") as folder:
        options = ["--max-time", f"{seconds}", "--device", device, "--json", "--quiet"]
        output = ["--output", f"{folder}/field{SUFFIX}"]
        peak = Path(folder) / "peak"
        begin = clock()
        report = _run([*command, "fit", *options, *output, "--", file], peak, file)
        spent = clock() - begin
        memory = int(peak.read_text())
    return FileFit(
        file,
        report["psnr"],
        report["psnr_float"],
        report["steps"],
        report["samples_per_second"],
        report["seconds"],
        spent,
        memory,
    )


def _run(command: Sequence[str], peak: Path, file: str) -> dict[str, Any]:
    """Run a command that prints JSON, return that; its peak memory goes to the file `peak`."""
    launcher = [sys.executable, "-I", "-S", launch.__file__, str(peak)]
    with tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(
            [*launcher, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            # A terminal sends Ctrl-C to its whole group; this group is ended by us instead.
            process_group=0,
        ) as process:
            try:
                printed, _ = process.communicate()
            except BaseException:
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode == 0:
            report: dict[str, Any] = json.loads(printed)
            return report
        complaints.seek(0)
        lines = complaints.read().decode(errors="replace").splitlines()
    reason = lines[-1].removeprefix(_ERROR) if lines else f"exit status {process.returncode}"
    raise SinefitError(reason if file in reason else f"{file}: {reason}")
