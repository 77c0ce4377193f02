"""What a busy neighbour costs: fits alone, and as many at once on the same cores, in turn.

python tests/benchmarks/neighbours.py [--file FILE] [--fits N] [--steps N] [-- OPTIONS OF FIT]

The same with the waiting of earlier releases: OMP_WAIT_POLICY=ACTIVE in front. With
SINEFIT_CPU_CAPABILITY=avx2 the fits are made by PyTorch's threads instead of sinefit's own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

LAKE = Path(__file__).parent.parent.parent / "samples" / "lake.png"


def seconds_of_fits(count: int, file: str, options: list[str]) -> list[float]:
    """Start `count` fits at once; return how long each trained."""
    with tempfile.TemporaryDirectory() as folder:
        running = [
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "sinefit", "fit", file, "--json", "--quiet"),
                    *("-o", str(Path(folder) / f"{number}.safetensors"), *options),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(count)
        ]
        reports = [process.communicate()[0] for process in running]
    return [json.loads(report)["seconds"] for report in reports]


def main() -> None:
    """Print the medians, and the ratio to what fair shares of the cores would give."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", default=str(LAKE))
    parser.add_argument("--fits", type=int, default=2, help="fits at once")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("options", nargs="*", help="further options of the fits, after --")
    arguments = parser.parse_args()
    options = ["--steps", str(arguments.steps), *arguments.options]
    alone, together = [], []
    for _ in range(arguments.rounds):
        alone += seconds_of_fits(1, arguments.file, options)
        together += seconds_of_fits(arguments.fits, arguments.file, options)
    one, each = statistics.median(alone), statistics.median(together)
    print(f"alone                {one:7.2f} s")
    print(f"each of {arguments.fits:<3} at once   {each:7.2f} s")
    print(f"over a fair share    {each / (one * arguments.fits):7.2f} x")


if __name__ == "__main__":
    main()
