"""What a CUDA device makes of a training step, and what that buys.

    python tests/benchmarks/gpu.py [FILE...] [--batches 4096,16384] [--target-psnr 35]

Prints the device and versions; samples per second of the textbook step in eager autograd and of the
tool's step, launched part by part and recorded in a CUDA graph, as a Markdown table, with the share
of the measured peak of bfloat16 products; and the seconds to a target PSNR on the given files. The
variants of a row run in turn and medians are printed. Run it on an idle device.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

import sinefit
from sinefit.engines.adam import Adam, bounds_of, rows_of
from sinefit.engines.cuda import CUDA, CudaEngine
from sinefit.engines.objective import Batch
from sinefit.engines.recorded import CudaRecorder, RecordedSteps
from sinefit.engines.reference import REFERENCE
from sinefit.engines.stages import PlainStages
from sinefit.engines.triton_support import update_failure
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.loop import make_plan
from sinefit.fitting.orders import BatchOrder
from sinefit.fitting.samples import TrainingSamples
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.array.reading import array_signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from sinefit.engines.engine import Engine, Precision, Work
    from sinefit.fitting.plan import FitPlan
    from sinefit.networks.network import Network
    from sinefit.signals.signal import Signal

    Make = Callable[[Network, Work, Precision], Engine]

GPU = torch.device("cuda")
WIDTH = 256
ROUNDS = 5
SECONDS = 1.0
"""Time that one measurement takes, about."""
LEARNING = 1e-3
"""Factor on the learning rates."""


def drawn_picture(height: int = 512, width: int = 768) -> Signal:
    """Return a picture of waves and edges, three channels of 8 bits as an array."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    waves = [np.sin(20 * x * y), np.cos(40 * x + 9 * y**2), np.sign(np.sin(30 * (x**2 + y**2)))]
    values = np.rint(127.5 * (np.stack(waves, axis=-1) + 1)).astype(np.uint8)
    return array_signal(values, channels_last=True)


def plan_of(signal: Signal, batch: int, device: torch.device) -> FitPlan:
    """Return the plan of a fit of a network of `WIDTH` and the default depth."""
    config = FitConfig(
        initializer=parse_initializer("siren"),
        width=WIDTH,
        blocks=(1,),
        budget=Budget(steps=10**6),
        batch=batch,
        device=str(device),
    )
    return make_plan(signal, config)


def make_plain(network: Network, work: Work, precision: Precision) -> CudaEngine:
    """Return the engine of a CUDA device without Triton's kernels."""
    return CudaEngine(network, work, precision, PlainStages(work.size, work.targets, work.device))


def step_of(signal: Signal, plan: FitPlan, make: Make, *, recorded: bool) -> Callable[[], object]:
    """Return what takes a step of a plan, by an engine that `make` makes, on resident samples."""
    device = plan.machine.device
    samples = TrainingSamples(signal, device)
    if not samples.resident:
        samples.make_resident()
    network = plan.start.clone().to(device)
    engine = make(network, plan.work, plan.precision)
    adam = Adam(
        network,
        rows_of(network, [plan.members[0].rates.by_name], 0.0),
        bounds_of(network, [plan.members[0].rules.bounds]),
    )
    order = BatchOrder(samples.count, plan.batch, torch.Generator(device).manual_seed(0))

    def gather(indices: Tensor) -> Batch:
        coordinates, targets = samples.batch(indices)
        return Batch(coordinates[None], targets[None])

    def drawn() -> Tensor:
        return order.draw(0, 1)[0]  # the next, whatever the number of the step

    def launch() -> None:
        engine.step(gather(drawn()))
        adam.step(engine.gradient, [LEARNING])

    if not recorded:
        return launch
    indices = torch.zeros(order.size, dtype=torch.int64, device=device)
    replay = RecordedSteps(gather, engine, adam, indices, CudaRecorder(device))

    told: list[str] = []

    def step() -> None:
        replay.take(drawn()[None], torch.tensor([[LEARNING]], dtype=torch.float64))
        if replay.failure is not None and not told:
            told.append(replay.failure)
            print(f"not recorded: {replay.failure}")

    return step


def rate_of(
    step: Callable[[], object], batch: int, device: torch.device, seconds: float = SECONDS
) -> Callable[[], float]:
    """Return a measurement of steps in samples per second, after some of them."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    def run(steps: int) -> float:
        wait()
        begin = time.perf_counter()
        for _ in range(steps):
            step()
        wait()
        return time.perf_counter() - begin

    run(10)
    steps = max(3, round(seconds / (run(10) / 10)))
    return lambda: steps * batch / run(steps)


def product_peak(size: int = 8192) -> float:
    """Return the operations per second of a large product in bfloat16."""
    left, right = (torch.randn((size, size), device=GPU, dtype=torch.bfloat16) for _ in range(2))
    rates = []
    for _ in range(ROUNDS + 1):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        for _ in range(20):
            left @ right
        torch.cuda.synchronize()
        rates.append(20 * 2 * size**3 / (time.perf_counter() - begin))
    return statistics.median(rates[1:])


def step_table(batches: list[int]) -> None:
    """Print samples per second of each kind of step."""
    signal = drawn_picture()
    whole = signal.spec.sample_count
    peak = product_peak()
    print(f"\nProducts in bfloat16: {peak / 1e12:.0f} TFLOP/s at 8192 x 8192 x 8192")
    print(f"Steps of a network of width {WIDTH} on {whole} samples, by batch:\n")
    kinds: dict[str, tuple[Make, bool]] = {
        "textbook": (REFERENCE.make, False),
        "launched": (CUDA.make, False),
        "recorded, plain stages": (make_plain, True),
        "recorded": (CUDA.make, True),
    }
    print("| batch | " + " | ".join(kinds) + " | share of peak |")
    print("|---" * (len(kinds) + 2) + "|")
    for batch in [*batches, whole]:
        plan = plan_of(signal, batch, GPU)
        measures = [
            rate_of(step_of(signal, plan, make, recorded=recorded), plan.batch, GPU)
            for make, recorded in kinds.values()
        ]
        rounds = [[measure() for measure in measures] for _ in range(ROUNDS)]
        medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
        share = 6 * plan.work.size.parameter_count * medians[-1] / peak
        cells = " | ".join(f"{rate / 1e6:.2f} M/s" for rate in medians)
        print(f"| {batch} | {cells} | {share:.0%} |", flush=True)


def quality_table(files: list[Path], target: float) -> None:
    """Print the seconds to a PSNR, without reading the file and the first use of the device."""
    print(f"\n| file | seconds to {target:g} dB | PSNR | steps |\n|---|---|---|---|")
    for file in files:
        signal = sinefit.read_signal(file)
        begin = time.perf_counter()
        field = sinefit.fit(signal, target_psnr=target, max_time=120.0, device="cuda")
        seconds = time.perf_counter() - begin
        record = field.record
        print(f"| {file.name} | {seconds:.2f} | {record.psnr:.2f} dB | {record.steps} |")


def main() -> None:
    """Print the machine and the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--batches", default="4096,8192,16384,32768", help="with commas between")
    parser.add_argument("--target-psnr", type=float, default=35.0)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("there is no CUDA device")
    try:
        triton = importlib.metadata.version("triton")
    except importlib.metadata.PackageNotFoundError:
        triton = "none"
    works = "" if update_failure(GPU) is None else " (not used)"
    print(
        f"{torch.cuda.get_device_name()}; torch {torch.__version__}, CUDA {torch.version.cuda}, "
        f"Triton {triton}{works}; sinefit {sinefit.__version__}; "
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"
    )
    step_table([int(batch) for batch in arguments.batches.split(",")])
    if arguments.files:
        quality_table(arguments.files, arguments.target_psnr)


if __name__ == "__main__":
    main()
