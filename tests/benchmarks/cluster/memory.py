"""How much memory the client takes of a fit whose weights are large.

    python -m tests.benchmarks.cluster.memory [--blocks 100] [--width 64] [--steps 1]

Fits a made-up picture of so many blocks by so many, 16 pixels wide each, on one real worker (see
`machines.py`), and looks at the client's memory all the while. Prints the size of all weights, and
the most that the client had: resident, of that anonymous, which the system cannot take back, and
what it had before there were any weights.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from tests.benchmarks.cluster.machines import Machines, processor

CELL = 16
"""Pixels along a block's cell."""
DEPTH = 2
LOOK_EVERY = 0.01


def memory(pid: int) -> dict[str, int]:
    """Return the bytes that a process has resident, anonymous and of files."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "RssAnon", "RssFile"):
            found[name] = 1024 * int(value.split()[0])
    return found


def main() -> None:
    """Run the fit and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=100, help="along each side")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--steps", type=int, default=1)
    arguments = parser.parse_args()
    side = CELL * arguments.blocks
    size = NetworkSize(2, arguments.width, DEPTH, 1)
    weights = 4 * SINE.parameter_count(size) * arguments.blocks**2
    with tempfile.TemporaryDirectory() as name, Machines(1) as machines:
        source, target = Path(name, "large.npy"), Path(name, "large.safetensors")
        rows, columns = np.ogrid[:side, :side]
        np.save(source, (127.5 + 60 * np.sin(rows / 9) + 60 * np.cos(columns / 7)).astype(np.uint8))
        words = f"--blocks {arguments.blocks}x{arguments.blocks} --width {arguments.width} --quiet "
        words += f"--depth {DEPTH} --steps {arguments.steps} --batch 8 --precision float32"
        command = [sys.executable, "-m", "sinefit", "fit", str(source), *words.split()]
        client = machines.client([*command, "-o", str(target), "--cluster", machines.address])
        most = {"VmRSS": 0, "RssAnon": 0, "RssFile": 0}
        begun: int | None = None
        gathering = 0
        journal = target.with_name("large.parts.ckpt")
        while client.poll() is None:
            try:
                now = memory(client.pid)
            except OSError:
                break
            if begun is None and journal.exists():
                begun = now.get("RssAnon", 0)
            if journal.exists() and journal.stat().st_size < 2 * weights:
                gathering = max(gathering, now.get("RssAnon", 0))
            most = {name: max(value, now.get(name, 0)) for name, value in most.items()}
            time.sleep(LOOK_EVERY)
        if client.wait() != 0:
            raise subprocess.CalledProcessError(client.returncode, command)
    begun = begun or 0
    print(processor())
    print(
        f"{weights / 2**20:.0f} MiB of weights: the client had at most "
        f"{most['VmRSS'] / 2**20:.0f} MiB resident, {most['RssAnon'] / 2**20:.0f} MiB of them "
        f"anonymous ({gathering / 2**20:.0f} MiB while groups of blocks came), "
        f"{begun / 2**20:.0f} MiB before; {(most['RssAnon'] - begun) / weights:.2f} times "
        "the weights"
    )


if __name__ == "__main__":
    main()
