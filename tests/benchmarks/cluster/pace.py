"""What workers make of a large picture and of many small ones: the same bytes, and how fast.

    python -m tests.benchmarks.cluster.pace PHOTO... [--workers 1,2,4] [--steps 40] [--crops 500]

Fits a mosaic of the photographs, 36 tiles in one picture, and so many parts of them of 48 by 48
pixels: without a cluster by one thread, then by real workers of one thread each (see
`machines.py`). Prints a Markdown table with a row per run: wall time; processor time of the
workers, of the scheduler and of the client; how many times the pace of the run without a cluster
that is, by the wall; and whether the weights are the same to the last byte.

Where other work has the cores, the wall tells nothing of workers: their processor time does, which
is what the same work takes on cores of their own.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.cluster.inputs import make_crops, make_mosaic
from tests.benchmarks.cluster.machines import Machines, environment, processor, wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = 3600.0
"""Seconds after which a run is given up."""


def sinefit(*words: str) -> list[str]:
    """Return the command with these words."""
    return [sys.executable, "-m", "sinefit", "fit", "-q", *words]


def digest(folder: Path) -> str:
    """Return a hash of all weights in a folder, with their names."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        found.update(path.name.encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def row(*cells: object) -> None:
    """Print a row of the table."""
    print(f"| {' | '.join(str(cell) for cell in cells)} |", flush=True)


def timed(process: subprocess.Popen[bytes], begin: float) -> tuple[float, float]:
    """Return the wall time and the processor time of a process that is to succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    if wait_for(process, LIMIT) != 0:
        sys.exit(f"{process.args!r} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begin, spent


def compare(name: str, words: Sequence[str], counts: Sequence[int], folder: Path) -> None:
    """Run a fit without a cluster and with workers, and print a row of each."""
    alone = folder / f"{name}-alone"
    begin = time.monotonic()
    command = sinefit(*words, "--threads", "1", "-O", str(alone))
    process = subprocess.Popen(command, env=environment())
    wall, spent = timed(process, begin)
    expected = digest(alone)
    row(name, "none", f"{wall:.1f}", f"{spent:.1f}", "", "", "1.00", "")
    for count in counts:
        target = folder / f"{name}-{count}"
        with Machines(count) as machines:
            before = machines.seconds()
            begin = time.monotonic()
            command = sinefit(*words, "-O", str(target), "--cluster", machines.address)
            seconds, client = timed(machines.client(command), begin)
            after = machines.seconds()
        workers, scheduler = (after[each] - before[each] for each in ("workers", "scheduler"))
        same = "yes" if digest(target) == expected else "NO"
        times = (f"{each:.1f}" for each in (seconds, workers, scheduler, client))
        row(name, count, *times, f"{wall / seconds:.2f}", same)


def main() -> None:
    """Make the inputs, run all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--workers", default="1,2,4", help="numbers of workers")
    parser.add_argument(
        "--side", type=int, default=6, help="photographs along a side of the mosaic"
    )
    parser.add_argument("--steps", type=int, default=40, help="of the mosaic")
    parser.add_argument("--crops", type=int, default=500)
    parser.add_argument("--crop-steps", type=int, default=100)
    arguments = parser.parse_args()
    counts = [int(count) for count in arguments.workers.split(",") if count]
    print(f"{dt.datetime.now(dt.UTC).date()}, {processor()}, nice {os.nice(0)}\n")
    row("input", "workers", "s", "workers' s", "scheduler's s", "client's s", "pace", "same bytes")
    row(*["---"] * 8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.steps:
            pixels = make_mosaic(arguments.photos, folder / "mosaic.png", arguments.side)
            words = [str(folder / "mosaic.png"), "--steps", str(arguments.steps)]
            compare(f"{pixels / 1e6:.1f} megapixels", words, counts, folder)
        if arguments.crops:
            make_crops(arguments.photos, folder / "crops", arguments.crops)
            words = [str(folder / "crops"), "--recursive", "--steps", str(arguments.crop_steps)]
            compare(f"{arguments.crops} pictures", words, counts, folder)


if __name__ == "__main__":
    main()
