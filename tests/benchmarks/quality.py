"""What a stretch of time buys: fits of given files with given initializers, one after the other.

    python tests/benchmarks/quality.py FILE... --init siren,lambert --max-time 60s

Runs the command itself, each fit in a process of its own, and prints a Markdown table of PSNR as
saved, steps, samples per second and peak memory, headed by the machine, versions and date. Other
options are handed to `sinefit fit`. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from sinefit.version import __version__


def fit(file: Path, options: list[str]) -> tuple[dict[str, Any], int]:
    """Fit a file and return the report and the peak memory of the process in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "field.safetensors"
        command = [sys.executable, "-m", "sinefit", "fit", str(file), "-o", str(weights)]
        process = subprocess.Popen(
            [*command, "--json", "--quiet", *options], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(process.returncode)
    unit = 1 if sys.platform == "darwin" else 1024
    return json.loads(output), usage.ru_maxrss * unit


def processor() -> str:
    """Return the name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    """Run the fits and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--init", default="siren", help="initializers with commas between them")
    parser.add_argument("--max-time", default="60s")
    arguments, others = parser.parse_known_args()
    print(
        f"{dt.datetime.now(dt.UTC).date()}, {processor()}, {os.cpu_count()} cores, "
        f"torch {torch.__version__}, sinefit {__version__}, {arguments.max_time} per fit\n"
    )
    print("| file | initializer | PSNR, dB | SNR, dB | steps | k samples/s | peak memory, MB |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for file in arguments.files:
        for name in arguments.init.split(","):
            options = ["--init", name, "--max-time", arguments.max_time, *others]
            report, memory = fit(file, options)
            snr = "" if report["snr"] is None else f"{report['snr']:.2f}"
            print(
                f"| {file.stem} | {name} | {report['psnr']:.2f} | {snr} | {report['steps']} "
                f"| {report['samples_per_second'] / 1000:.0f} | {memory / 1e6:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
