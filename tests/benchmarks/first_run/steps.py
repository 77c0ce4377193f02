"""Gradients, kernels and paces of training steps."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import torch

from sinefit.engines.adam import Adam, plain_update
from sinefit.engines.blocks import BLOCKS
from sinefit.engines.cuda import CUDA, CudaEngine
from sinefit.engines.engine import Work
from sinefit.engines.graphics import has_bfloat16
from sinefit.engines.objective import Batch, MeanSquaredError
from sinefit.engines.recorded import CudaRecorder, RecordedSteps
from sinefit.engines.reference import REFERENCE
from sinefit.engines.registry import shortfalls
from sinefit.engines.stages import PlainStages
from sinefit.engines.torch_engine import TORCH
from sinefit.engines.triton_support import update_failure
from sinefit.fitting.draws import samples_of
from sinefit.fitting.samples import TrainingSamples
from sinefit.fitting.trainer import Trainer
from sinefit.networks.size import NetworkSize
from tests.engines.making import draw_batch, exact, random_network, worst_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.engines.engine import Engine, EngineKind, Precision
    from sinefit.fitting.plan import FitPlan
    from sinefit.networks.network import Network
    from sinefit.signals.signal import Signal

    from .run import Rows, Run

    Make = Callable[[Network, Work, Precision], Engine]

LEARNING = 1e-3
"""Factor on the learning rates."""


def work_on(run: Run, network: Network, targets: int) -> Work:
    """Return the training of a network on the run's device."""
    objective, members = MeanSquaredError(), network.members
    return Work(network.family, network.size, members, targets, 1, objective, run.device, 1)


def make_plain(network: Network, work: Work, precision: Precision) -> CudaEngine:
    """Return the engine of a CUDA device without Triton's kernels."""
    return CudaEngine(network, work, precision, PlainStages(work.size, work.targets, work.device))


def make_apart(network: Network, work: Work, precision: Precision) -> CudaEngine:
    """Return the engine with Triton's kernels, but its products by PyTorch."""
    from sinefit.engines.triton_stages import TritonStages

    stages = TritonStages(work.size, work.targets, work.device, fused=False)
    return CudaEngine(network, work, precision, stages)


def gradients(run: Run) -> Rows:
    """Hold the gradients of every size against float64: the worst relative error of a parameter."""
    rows: Rows = []
    widths = run.sized((32, 33, 64, 100, 128, 256, 384, 1024), (16,))
    for width in widths:
        size = NetworkSize(2, width, 4, 3)
        for count in run.sized((1, 4097, 40000), (9,)):
            network = random_network(size).to(run.device)
            batch = draw_batch(size, count)
            batch = Batch(batch.coordinates.to(run.device), batch.targets.to(run.device))
            losses, gradient = exact(network, batch)
            row: dict[str, Any] = {"width": width, "batch": count}
            low: tuple[Precision, ...] = ("bfloat16",) if has_bfloat16(run.device) else ()
            for precision in (*low, "float32"):
                for word, make in (("", CUDA.make), (" plain", make_plain)):
                    engine = make(network, work_on(run, network, min(count, 2**14)), precision)
                    found = engine.step(batch)
                    error = worst_error(network, engine.gradient, gradient)
                    row[f"{precision}{word}"] = error
                    row.setdefault("loss", float((found.double() - losses).abs() / losses))
            rows.append(row)
    return rows


def block_gradients(run: Run) -> Rows:
    """Do the same for the kernel that trains blocks, by Adam's first average after a step."""
    rows: Rows = []
    for width in run.sized((16, 32, 33, 64, 100, 128), (16,)):
        size = NetworkSize(2, width, 4, 3)
        for count in run.sized((1, 64, 257), (9,)):
            stack = random_network(size, 3)
            batch = draw_batch(size, count, 3)
            _, gradient = exact(stack, batch)
            row: dict[str, Any] = {"width": width, "batch": count}
            for precision in BLOCKS.precisions(work_on(run, stack, count)):
                network = stack.clone().to(run.device)
                adam = Adam(network, torch.zeros_like(network.values), update=plain_update)
                tables = [
                    torch.cat(pair, dim=1).to(run.device)
                    for pair in zip(batch.coordinates, batch.targets, strict=True)
                ]
                training = BLOCKS.make_training(
                    network, adam, tables, work_on(run, network, count), precision
                )
                indices = torch.arange(count, device=run.device).expand(1, 3, count)
                training.take(indices, torch.zeros((1, 3), dtype=torch.float64))
                found = adam.averages[0].cpu() / (1.0 - adam.constants[0])
                row[precision] = worst_error(stack, found, gradient)
            rows.append(row)
    return rows


def kernels(run: Run) -> Rows:
    """Tell the registers, spills and shared memory of every kernel that was made so far."""
    from sinefit.engines import block_kernels
    from sinefit.engines import kernels as stages

    rows: Rows = []
    for module in (stages, block_kernels):
        for name, kernel in vars(module).items():
            for caches in getattr(kernel, "device_caches", {}).values():
                for made in caches[0].values():
                    metadata = made.metadata
                    rows.append(
                        {
                            "kernel": name,
                            "signature": str(getattr(made.src, "constants", ""))[:60],
                            "registers": made.n_regs,
                            "spills": made.n_spills,
                            "shared": metadata.shared,
                            "warps": metadata.num_warps,
                        }
                    )
    return rows


def peak(run: Run) -> Rows:
    """Tell the operations per second of a large product in 16 bits, and bytes of a large copy."""
    side = run.sized(8192, 64)
    left = torch.randn((side, side), device=run.device).bfloat16()
    large = torch.zeros(run.sized(2**28, 2**10), device=run.device)
    other = torch.empty_like(large)
    return [
        {"TFLOP/s": 2 * side**3 / run.seconds(lambda: left @ left) / 1e12},
        {"GB/s": 8 * len(large) / run.seconds(lambda: other.copy_(large)) / 1e9},
        {"G sines/s": len(large) / run.seconds(lambda: torch.sin(large, out=other)) / 1e9},
    ]


def step_of(
    signal: Signal, plan: FitPlan, make: Make, *, recorded: bool
) -> tuple[Callable[[], object], int]:
    """Return what takes steps of a plan by an engine that `make` makes, and how many at a time."""
    device = plan.machine.device
    samples = TrainingSamples(signal, device)
    if not samples.resident:
        samples.make_resident()
    network = plan.start.to(device)
    engine = make(network, plan.work, plan.precision)
    adam = Adam(network, plan.rates.rows(network, range(1)))
    generator = torch.Generator(device).manual_seed(0)

    def gather(indices: torch.Tensor) -> Batch:
        coordinates, targets = samples.batch(indices)
        return Batch(coordinates[None], targets[None])

    def drawn(steps: int) -> torch.Tensor:
        shape = (steps, plan.batch)
        return torch.randint(samples.count, shape, generator=generator, device=device)

    def launch() -> None:
        engine.step(gather(drawn(1)[0]))
        adam.step(engine.gradient, [LEARNING])

    if not recorded:
        return launch, 1
    steps = RecordedSteps(gather, engine, adam, drawn(1)[0], CudaRecorder(device))
    if steps.failure is not None:
        raise RuntimeError(steps.failure)
    factors = torch.full((64, 1), LEARNING, dtype=torch.float64)
    return lambda: steps.take(drawn(64), factors), 64


def paces(run: Run) -> Rows:
    """Tell samples per second of the textbook step and of the tool's, by batch and variant."""
    signal, rows = run.picture(), []
    on_cuda = run.device.type == "cuda"
    kinds: dict[str, tuple[Make, bool]] = {
        "textbook": (REFERENCE.make, False),
        "launched": (CUDA.make, False),
        "plain stages": (make_plain, on_cuda),
        "recorded": (CUDA.make, on_cuda),
    }
    if on_cuda and update_failure(run.device) is None:
        kinds["products apart"] = (make_apart, True)
    for batch in run.sized((4096, 8192, 16384, 65536, 262144), (64,)):
        plan = run.plan(signal, width=run.sized(256, 16), batch=batch)
        row: dict[str, Any] = {"batch": plan.batch}
        for name, (make, recorded) in kinds.items():
            step, steps = step_of(signal, plan, make, recorded=recorded)
            each = run.seconds(step) / steps
            row[f"{name} M/s"] = plan.batch / each / 1e6
            if name == "recorded":
                work = 6 * plan.work.size.parameter_count * plan.batch
                row["us"], row["TFLOP/s"] = each * 1e6, work / each / 1e12
                row["enqueue us"] = enqueue(run, step) / steps * 1e6
        rows.append(row)
    return rows


def enqueue(run: Run, step: Callable[[], object]) -> float:
    """Return the host's seconds to ask for some steps, without waiting for them."""
    spent = []
    for _ in range(5):
        run.seconds(lambda: None)  # waits
        begin = time.perf_counter()
        step()
        spent.append(time.perf_counter() - begin)
    return statistics.median(spent)


def blocks(run: Run) -> Rows:
    """Tell samples per second of blocks: by the kernel in several shapes, and by PyTorch."""
    rows: Rows = []
    for width in run.sized((32, 64, 128), (16,)):
        for count in run.sized((64, 384, 1536), (4,)):
            size, batch, length = NetworkSize(2, width, 4, 3), run.sized(128, 8), 1024
            stack = random_network(size, count).to(run.device)
            row: dict[str, Any] = {"width": width, "blocks": count}
            table = torch.rand((length, 5), device=run.device) * 2 - 1
            for shape, precision in shapes(run, stack, width, batch):
                seconds = block_seconds(run, stack, [table] * count, batch, shape, precision)
                word = "" if shape is None else f" {shape.rows}x{shape.warps}"
                row[f"{precision}{word} M/s"] = batch * count / seconds / 1e6
            engine = TORCH.make(stack, work_on(run, stack, batch), "float32")
            drawn = draw_batch(size, batch, count)
            drawn = Batch(drawn.coordinates.to(run.device), drawn.targets.to(run.device))
            row["PyTorch M/s"] = (
                batch * count / run.seconds(lambda e=engine, b=drawn: e.step(b)) / 1e6  # type: ignore[misc]
            )
            rows.append(row)
    return rows


def shapes(run: Run, stack: Network, width: int, batch: int) -> list[tuple[Any, Precision]]:
    """Return the shapes of a program's work that are tried, None for the usual one."""
    precisions = BLOCKS.precisions(work_on(run, stack, batch))
    if not precisions:
        return []
    from sinefit.engines.block_training import Shape, shape_for

    usual = shape_for(width, batch)
    tried: list[tuple[Any, Precision]] = [(None, precision) for precision in precisions]
    for rows, warps in ((32, 4), (64, 4), (64, 8), (128, 8)):
        if width < 128 and (rows, warps) != (usual.rows, usual.warps):
            tried.append((Shape(usual.columns, rows, warps), precisions[0]))
    return tried


def block_seconds(
    run: Run,
    stack: Network,
    tables: list[torch.Tensor],
    batch: int,
    shape: Any,
    precision: Precision,
) -> float:
    """Return the seconds of a step of all blocks by the kernel."""
    from sinefit.engines.block_training import BlockTraining

    adam = Adam(stack, torch.zeros_like(stack.values), update=plain_update)
    training = BlockTraining(stack.size, adam, tables, precision, shape)
    steps = 64
    indices = torch.randint(len(tables[0]), (steps, len(tables), batch), device=run.device)
    factors = torch.ones(indices.shape[:2], dtype=torch.float64)
    return run.seconds(lambda: training.take(indices, factors)) / steps


def trainers(run: Run) -> Rows:
    """Tell samples per second of whole trainings, gathering and order of samples included."""
    signal, rows = run.picture(), []
    for name, settings in (("one network", {}), ("blocks", {"blocks": None, "block_size": (32,)})):
        if run.toy:
            settings = {"blocks": (2,)} if settings else {}
        plan = run.plan(signal, **({"width": 16} if run.toy else {}), **settings)
        trainer = Trainer([plan], [samples_of(plan, signal)])
        trainer.rehearse()
        each = run.sized(256, 2)

        def steps(trainer: Trainer = trainer, each: int = each) -> None:
            goals = [taken + each for taken in trainer.steps]
            for _ in trainer.advance(goals, [lambda _step: LEARNING] * len(goals)):
                pass

        seconds = run.seconds(steps) / each
        pace = plan.batch * plan.blocks.count / seconds
        kind: EngineKind = plan.engine
        rows.append(
            {
                "training": name,
                "engine": kind.name,
                "blocks": plan.blocks.count,
                "width": plan.work.size.width,
                "batch": plan.batch,
                "M/s": pace / 1e6,
                "TFLOP/s": 6 * plan.work.size.parameter_count * pace / 1e12,
                "notices": "; ".join([*shortfalls(plan.work), *trainer.notices]) or "none",
            }
        )
    return rows
