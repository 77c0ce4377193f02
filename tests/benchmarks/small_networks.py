"""What training a stack of small networks in C makes of a core, beside torch's batched products.

    python tests/benchmarks/small_networks.py [--widths 32,64] [--threads 1,2] [--rounds 7]

Prints, as a Markdown table, samples per second of wall time by width, number of threads and
instruction set, what they are to torch's, and the multiplications and additions per second of
processor time as a share of the most that a core does, measured in turn with them (it needs `cc`
and an x86 processor). Medians over the rounds; what runs beside it changes the first figure much
and the others little.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import statistics
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.cli.environment import prepare_environment

# Before torch is loaded, as the command does: its threads would wait in a loop, during which the
# others are measured.
prepare_environment(os.environ)

import torch  # noqa: E402

from sinefit.engines.adam import CONSTANTS, Adam  # noqa: E402
from sinefit.engines.engine import Work  # noqa: E402
from sinefit.engines.objective import Batch, MeanSquaredError  # noqa: E402
from sinefit.engines.torch_engine import TorchEngine  # noqa: E402
from sinefit.native import small_networks  # noqa: E402
from sinefit.native.instruction_sets import InstructionSet, instruction_sets  # noqa: E402
from sinefit.networks.network import Network  # noqa: E402
from sinefit.networks.sine import SINE  # noqa: E402
from sinefit.networks.size import NetworkSize  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

MEMBERS = 8
BATCH = 256
SAMPLES = 4096
"""Samples of a member, as of a block of 64 by 64."""
RATE = 1e-3
WORK = 4e9
"""Multiplications and additions of one measurement."""


class Case:
    """A stack of one size and what it is trained on."""

    def __init__(self, width: int, threads: int) -> None:
        self.size = size = NetworkSize(2, width, 4, 3)
        self.threads = threads
        self.operations = 6 * size.parameter_count
        """Per sample: each weight is multiplied and added once forward, twice backward."""
        self.steps = max(2, round(WORK / (self.operations * MEMBERS * BATCH)))
        generator = torch.Generator().manual_seed(0)
        spread = (6 / width) ** 0.5
        self.values = torch.rand((MEMBERS, size.parameter_count), generator=generator)
        self.values = (self.values * 2 - 1) * spread
        self.tables = torch.rand((MEMBERS, SAMPLES, 5), generator=generator) * 2 - 1
        self.indices = torch.randint(
            SAMPLES, (MEMBERS, self.steps, BATCH), generator=generator, dtype=torch.int32
        )
        self.rates = torch.full((1, size.parameter_count), RATE)

    @property
    def samples(self) -> int:
        """Samples that a measurement trains on."""
        return MEMBERS * self.steps * BATCH

    def by_c(self, instructions: InstructionSet) -> None:
        values = self.values.clone()
        small_networks.train(
            self.size,
            values,
            (torch.zeros_like(values), torch.zeros_like(values)),
            rates=self.rates,
            samples=list(self.tables),
            indices=self.indices,
            factors=torch.ones(1, self.steps),
            taken=[0] * MEMBERS,
            constants=CONSTANTS,
            threads=self.threads,
            instructions=instructions,
        )

    def by_torch(self) -> None:
        network = Network(SINE, self.size, self.values.clone())
        work = Work(
            family=SINE,
            size=self.size,
            members=MEMBERS,
            targets=BATCH,
            points=1,
            objective=MeanSquaredError(),
            device=torch.device("cpu"),
            threads=self.threads,
        )
        engine = TorchEngine(network, work, "float32")
        adam = Adam(network, self.rates.expand_as(network.values).contiguous())
        members = torch.arange(MEMBERS)[:, None]
        for step in range(self.steps):
            rows = self.tables[members, self.indices[:, step].long()]
            engine.step(Batch(rows[..., :2].contiguous(), rows[..., 2:].contiguous()))
            adam.step(engine.gradient, [1.0] * MEMBERS)


def measure_peaks() -> dict[InstructionSet, Callable[[], float]]:
    """Return functions that measure a core's most operations per second; none without `cc`."""
    source = Path(__file__).with_name("peak.c")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "peak.so"
        command = ["cc", "-O2", "-shared", "-fPIC", str(source), "-o", str(library)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return {}
        opened = ctypes.CDLL(str(library))
    found: dict[InstructionSet, Callable[[], float]] = {}
    for one in instruction_sets():
        if one in (InstructionSet.AVX2, InstructionSet.AVX512):
            function = opened[f"peak_{one.name.lower()}"]
            function.restype = ctypes.c_double
            found[one] = function
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", default="32,64,96,128,256")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    peaks = measure_peaks()
    print(f"{MEMBERS} members of 4 sine layers, batches of {BATCH}, float32, torch's products by")
    print(torch.backends.cpu.get_cpu_capability())
    print("\n| width | threads | by | M samples/s | to torch | share of peak |")
    print("|---|---|---|---|---|---|")
    for width in map(int, arguments.widths.split(",")):
        for threads in map(int, arguments.threads.split(",")):
            print_case(Case(width, threads), peaks, arguments.rounds)


def print_case(case: Case, peaks: dict[InstructionSet, Callable[[], float]], rounds: int) -> None:
    """Measure all ways in turn and print a line for each."""
    torch.set_num_threads(case.threads)
    ways: dict[str, Callable[[], None]] = {"torch": case.by_torch}
    peak_of = {"torch": peaks.get(max(peaks, default=InstructionSet.BASE))}
    for one in instruction_sets():
        ways[one.name] = partial(case.by_c, one)
        peak_of[one.name] = peaks.get(one)
    paces: dict[str, list[float]] = {name: [] for name in ways}
    shares: dict[str, list[float]] = {name: [] for name in ways}
    ratios: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, run in ways.items():
            peak = peak_of[name]
            before = peak() if peak else 0.0
            begin, used = time.perf_counter(), time.process_time()
            run()
            seconds, used = time.perf_counter() - begin, time.process_time() - used
            paces[name].append(case.samples / seconds)
            ratios[name].append(paces[name][-1] / paces["torch"][-1])
            if peak:
                most = max(before, peak())
                shares[name].append(case.samples * case.operations / used / most)
    for name in ways:
        share = f"{statistics.median(shares[name]):.0%}" if shares[name] else "-"
        pace, ratio = statistics.median(paces[name]) / 1e6, statistics.median(ratios[name])
        cells = [case.size.width, case.threads, name, f"{pace:.3f}", f"{ratio:.1f}x", share]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
