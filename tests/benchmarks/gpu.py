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
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import sinefit
from sinefit.fitting import training as training_module
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.engines.choice import triton_works
from sinefit.fitting.engines.stages import PlainStages
from sinefit.fitting.training import Training
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.array.reading import array_signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.signals.signal import Signal

CUDA = torch.device("cuda")
WIDTH = 256
ROUNDS = 5
SECONDS = 1.0
"""Time that one measurement takes, about."""


def drawn_picture(height: int = 512, width: int = 768) -> Signal:
    """Return a picture of waves and edges, three channels of 8 bits as an array."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    waves = [np.sin(20 * x * y), np.cos(40 * x + 9 * y**2), np.sign(np.sin(30 * (x**2 + y**2)))]
    values = np.rint(127.5 * (np.stack(waves, axis=-1) + 1)).astype(np.uint8)
    return array_signal(values, channels_last=True)


def make_training(signal: Signal, batch: int, **others: Any) -> Training:
    """Return a training of a network of `WIDTH` and the default depth on the device."""
    config = FitConfig(
        initializer=parse_initializer("siren"),
        width=WIDTH,
        budget=Budget(steps=10**6),
        batch=batch,
        device="cuda",
        **others,
    )
    return Training(signal, config, CUDA)


def textbook_rate(signal: Signal, batch: int) -> Callable[[], float]:
    """Return a measurement of the reference step in samples per second."""
    return rate_of(make_training(signal, batch, engine="autograd"))


def launched_rate(signal: Signal, batch: int) -> Callable[[], float]:
    """Return a measurement of the tool's step without a graph."""
    training = make_training(signal, batch)
    if training._recorded is None:
        sys.exit("the samples are not resident: the device has too little free memory")
    training._recorded.failure = "for comparison"
    return rate_of(training)


def plain_rate(signal: Signal, batch: int) -> Callable[[], float]:
    """Return a measurement of the tool's step in a graph, without Triton's kernels."""
    chosen = training_module.choose_stages
    training_module.choose_stages = PlainStages  # type: ignore[assignment]
    try:
        return rate_of(make_training(signal, batch))
    finally:
        training_module.choose_stages = chosen


def recorded_rate(signal: Signal, batch: int) -> Callable[[], float]:
    """Return a measurement of the tool's step as it is."""
    training = make_training(signal, batch)
    measure = rate_of(training)
    if training.launch_failure is not None:
        print(f"not recorded: {training.launch_failure}")
    return measure


def rate_of(training: Training) -> Callable[[], float]:
    """Return a measurement of a training's steps, after some of them."""

    def run(steps: int) -> float:
        torch.cuda.synchronize()
        begin = time.perf_counter()
        for _ in range(steps):
            training.step(1e-3)
        torch.cuda.synchronize()
        return time.perf_counter() - begin

    run(10)
    steps = max(3, round(SECONDS / (run(10) / 10)))
    return lambda: steps * training.batch / run(steps)


def product_peak(size: int = 8192) -> float:
    """Return the operations per second of a large product in bfloat16."""
    left, right = (torch.randn((size, size), device=CUDA, dtype=torch.bfloat16) for _ in range(2))
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
    kinds: dict[str, Callable[[Signal, int], Callable[[], float]]] = {
        "textbook": textbook_rate,
        "launched": launched_rate,
        "recorded, plain stages": plain_rate,
        "recorded": recorded_rate,
    }
    print("| batch | " + " | ".join(kinds) + " | share of peak |")
    print("|---" * (len(kinds) + 2) + "|")
    for batch in [*batches, whole]:
        measures = [make(signal, batch) for make in kinds.values()]
        rounds = [[measure() for measure in measures] for _ in range(ROUNDS)]
        medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
        parameters = make_training(signal, batch).network.size.parameter_count
        share = 6 * parameters * medians[-1] / peak
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
    works = "" if triton_works(CUDA) else " (not used)"
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
