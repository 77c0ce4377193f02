"""Time to the first words: light commands against a Python that does nothing, in turn.

python tests/benchmarks/startup.py [FILE] [--runs N]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

NOTHING = (sys.executable, "-c", "pass")
SINEFIT = (sys.executable, "-m", "sinefit")


def seconds(command: tuple[str, ...]) -> float:
    """Run a command and return how long it took, its output thrown away."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    """Print a line per command: median time, and its ratio to that of doing nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", help="what info is asked about; a small array otherwise")
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = arguments.file
        if file is None:
            file = str(Path(folder) / "array.npy")
            np.save(file, np.zeros((8, 8), np.float32))
        commands = {
            "python -c pass": NOTHING,
            "sinefit --version": (*SINEFIT, "--version"),
            "sinefit --help": (*SINEFIT, "--help"),
            "sinefit fit --help": (*SINEFIT, "fit", "--help"),
            "sinefit inits": (*SINEFIT, "inits"),
            "sinefit info FILE": (*SINEFIT, "info", file),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        # One of each in turn, so that whatever else the machine does meets them all alike.
        for _ in range(arguments.runs + 1):
            for name, command in commands.items():
                times[name].append(seconds(command))
    nothing = statistics.median(times["python -c pass"][1:])  # the first run fills caches
    for name, found in times.items():
        median = statistics.median(found[1:])
        print(f"{name:<20} {1000 * median:6.0f} ms  {median / nothing:5.1f} x")


if __name__ == "__main__":
    main()
