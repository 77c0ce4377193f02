"""Fits and renders on a CUDA device, held against the CPU; skipped where there is none."""

from __future__ import annotations

import dataclasses
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

import sinefit
from sinefit.engines.cuda import CUDA, CudaEngine
from sinefit.engines.evaluation import SineEvaluator
from sinefit.engines.objective import Batch
from sinefit.engines.recorded import AT_ONCE, REHEARSALS, CudaRecorder
from sinefit.engines.registry import ENGINES, shortfalls
from sinefit.engines.stages import PlainStages
from sinefit.engines.torch_engine import TORCH
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.loop import make_plan
from sinefit.fitting.samples import PartSamples, TrainingSamples
from sinefit.fitting.trainer import Trainer
from sinefit.initializers.registry import parse_initializer
from sinefit.networks.network import Network
from sinefit.signals.blocks import BlockGrid
from tests.engines.making import exact, work_of, worst_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.engines.engine import Precision
    from sinefit.engines.recorded import Recorder
    from sinefit.signals.signal import Signal

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]

LAKE = Path(__file__).parent.parent.parent / "samples" / "lake.png"
DEVICE = torch.device("cuda")


@pytest.fixture(scope="module")
def lake() -> Signal:
    return sinefit.read_signal(LAKE)


@pytest.fixture(scope="module")
def field() -> sinefit.Field:
    return sinefit.fit(LAKE, steps=100, blocks=1, device="cuda")


def test_a_fit_is_as_good_as_on_the_cpu(field: sinefit.Field) -> None:
    # The order of the samples is another one; among orders the PSNR has a deviation of 0.12 dB.
    reference = sinefit.fit(LAKE, steps=100, blocks=1, device="cpu")
    assert field.record.psnr == pytest.approx(reference.record.psnr, abs=0.6)


def test_samples_are_the_same_on_both_devices(lake: Signal) -> None:
    indices = torch.arange(0, lake.spec.sample_count, 1001)
    on_cpu = TrainingSamples(lake, torch.device("cpu")).batch(indices)
    on_cuda = TrainingSamples(lake, DEVICE).batch(indices)
    for first, second in zip(on_cpu, on_cuda, strict=True):
        torch.testing.assert_close(first, second.cpu(), rtol=0, atol=1e-7)


def batch_of(lake: Signal, members: int = 1) -> Batch:
    """512 samples from all over the picture, the same for every member."""
    samples = TrainingSamples(lake, DEVICE)
    indices = torch.arange(0, samples.count, samples.count // 512)[:512]
    coordinates, targets = samples.batch(indices)
    return Batch(coordinates.expand(members, -1, -1), targets.expand(members, -1, -1))


@pytest.mark.parametrize("members", [1, 3])
def test_the_step_in_torch_agrees_with_autograd(
    field: sinefit.Field, lake: Signal, members: int
) -> None:
    network = Network.stack([field.network] * members).to(DEVICE)
    batch = batch_of(lake, members)
    losses, gradient = exact(network, batch)
    engine = TORCH.make(network, work_of(network, 300, device=DEVICE), "float32")
    torch.testing.assert_close(engine.step(batch).double(), losses, rtol=1e-4, atol=0)
    assert worst_error(network, engine.gradient, gradient) < 1e-4


@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
def test_triton_s_kernels_run(field: sinefit.Field) -> None:
    if torch.cuda.get_device_capability() >= (8, 0):
        assert shortfalls(work_of(field.network, 4096, device=DEVICE)) == []


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("piece", [512, 300])
@pytest.mark.parametrize("plain", [False, True])
def test_the_step_of_the_device_agrees_with_autograd(
    field: sinefit.Field, lake: Signal, precision: Precision, piece: int, plain: bool
) -> None:
    network = field.network.to(DEVICE)
    work, batch = work_of(network, piece, device=DEVICE), batch_of(lake)
    if precision not in CUDA.precisions(work):
        pytest.skip("the device has no products of bfloat16")
    losses, gradient = exact(network, batch)
    engine = CUDA.make(network, work, precision)
    if plain:
        engine = CudaEngine(network, work, precision, PlainStages(network.size, piece, DEVICE))
    # A caller may let float32 products round to TF32; the engine's must not.
    settings = torch.backends.cuda.matmul
    before = settings.fp32_precision
    try:
        settings.fp32_precision = "tf32"
        found = engine.step(batch)
    finally:
        settings.fp32_precision = before
    bound = 1e-4 if precision == "float32" else 0.05
    torch.testing.assert_close(found.double(), losses, rtol=bound, atol=0)
    assert worst_error(network, engine.gradient, gradient) < bound


def test_an_evaluation_is_that_of_the_cpu(field: sinefit.Field) -> None:
    generator = torch.Generator().manual_seed(0)
    coordinates = torch.rand((1, 5000, 2), generator=generator) * 2 - 1
    on_cpu = SineEvaluator(field.network.to("cpu"))(coordinates)
    on_cuda = SineEvaluator(field.network.to(DEVICE))(coordinates.to(DEVICE))
    torch.testing.assert_close(on_cuda.cpu(), on_cpu, rtol=0, atol=1e-3)


def blocks_of(lake: Signal, kind: str = "auto") -> Trainer:
    """A trainer of the picture in blocks; of the CPU's by autograd."""
    config = FitConfig(
        initializer=parse_initializer("siren"),
        width=32,
        blocks=(3, 2),
        budget=Budget(steps=200),
        device="cuda" if kind == "auto" else "cpu",
    )
    plan = make_plan(lake, config)
    if kind != "auto":
        plan = dataclasses.replace(plan, engine=ENGINES[kind])
    return Trainer([plan], [PartSamples(lake, plan.blocks, plan.machine.device)])


@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_blocks_train_as_by_autograd(lake: Signal, precision: Precision) -> None:
    fast, plain = blocks_of(lake), blocks_of(lake, "reference")
    if precision == "float32":
        fast.refine()
    generator = torch.Generator().manual_seed(0)
    indices = torch.randint(2000, (3, 6, 200), generator=generator)
    factors = torch.full((3, 6), 0.1)
    group = fast.first_group
    losses = [trainer.take(group, indices, factors).cpu() for trainer in (fast, plain)]
    bound = 0.02 if precision == "float16" else 1e-3
    torch.testing.assert_close(losses[0], losses[1], rtol=bound, atol=0)
    (mine, theirs) = (trainer.state(range(6))["adam.gradient"] for trainer in (fast, plain))
    assert worst_error(plain.network, mine, theirs) < bound


def test_blocks_are_drawn_on_the_device_and_repeat_to_the_bit(lake: Signal) -> None:
    first, second = blocks_of(lake), blocks_of(lake)
    for trainer, parts in ((first, [40]), (second, [10, 40])):
        for goal in parts:
            for _ in trainer.advance([goal] * 6, [lambda _step: 1.0] * 6):
                pass
    assert torch.equal(first.network.values, second.network.values)


class Watched(CudaRecorder):
    """Counts what is recorded and repeated; or cannot record."""

    def __init__(self, failure: str | None = None) -> None:
        super().__init__(DEVICE)
        self.recordings = self.replays = 0
        self._failure = failure

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        if self._failure is not None:
            raise RuntimeError(self._failure)
        self.recordings += 1
        replay = super().record(work)

        def counted() -> None:
            self.replays += 1
            replay()

        return counted


class SentSamples(TrainingSamples):
    """Samples that the device has no room for."""

    def make_resident(self) -> None:
        pass


class SentParts(PartSamples):
    """The same by block."""

    def of(self, number: int) -> TrainingSamples:
        return SentSamples(self.part(number), self.device)


def trainer_of(
    lake: Signal,
    recorder: Recorder | None = None,
    samples: PartSamples | None = None,
    **others: Any,
) -> Trainer:
    config = FitConfig(
        initializer=parse_initializer("siren"),
        blocks=(1,),
        budget=Budget(steps=200),
        device="cuda",
        **others,
    )
    plan = make_plan(lake, config)
    return Trainer([plan], [samples or PartSamples(lake, plan.blocks, DEVICE)], recorder)


def sums_of(trainer: Trainer, steps: int, factor: float = 0.5) -> torch.Tensor:
    """The sum of the losses of so many steps, on the device."""
    ((_, sums),) = trainer.advance([trainer.steps[0] + steps], [lambda _step: factor])
    return sums


def losses_of(trainer: Trainer, steps: int, factor: float = 0.5) -> list[float]:
    return [float(sums_of(trainer, 1, factor)) for _ in range(steps)]


def test_steps_are_recorded_and_repeat_those_launched_one_by_one(lake: Signal) -> None:
    watched = Watched()
    recorded, launched = trainer_of(lake, watched), trainer_of(lake, Watched("for comparison"))
    steps = REHEARSALS + 20
    assert losses_of(recorded, steps) == pytest.approx(losses_of(launched, steps), rel=1e-3)
    assert recorded.launch_failure is None
    assert (watched.recordings, watched.replays) == (2, steps)
    assert launched.launch_failure == "for comparison"


def test_a_device_records_by_itself(lake: Signal) -> None:
    trainer = trainer_of(lake)
    assert losses_of(trainer, REHEARSALS + 20) == losses_of(
        trainer_of(lake, Watched()), REHEARSALS + 20
    )
    assert trainer.launch_failure is None


def test_the_seed_decides_a_fit_on_cuda(lake: Signal) -> None:
    first, second, third = (losses_of(trainer_of(lake, seed=seed), 20) for seed in (0, 0, 1))
    assert first == second
    assert first != third


def test_restoring_goes_on_with_the_same_steps(lake: Signal) -> None:
    whole = trainer_of(lake)
    losses_of(whole, 20, 1.0)
    kept = {name: tensor.clone() for name, tensor in whole.state(range(1)).items()}
    weights = whole.network.clone()
    expected = losses_of(whole, 15)
    again = trainer_of(lake)
    again.restore(range(1), weights, kept)
    assert losses_of(again, 15) == expected


def test_batches_of_several_pieces_and_signals_smaller_than_a_batch(lake: Signal) -> None:
    large, small = trainer_of(lake, batch=40000), trainer_of(lake, batch=2**30)
    assert large.piece < 40000
    for one in (large, small):
        losses = losses_of(one, 30, 1.0)
        assert losses[-1] < losses[0]


def test_refining_goes_on_in_float32(lake: Signal) -> None:
    trainer = trainer_of(lake)
    before = losses_of(trainer, 30, 1.0)
    trainer.refine()
    assert max(losses_of(trainer, REHEARSALS + 5, 0.1)) < before[0]
    assert trainer.launch_failure is None


def test_samples_that_are_not_resident_are_sent_batch_by_batch(lake: Signal) -> None:
    watched = Watched()
    samples = SentParts(lake, BlockGrid.single(lake.spec), DEVICE)
    losses = losses_of(trainer_of(lake, watched, samples), 30, 1.0)
    assert losses[-1] < losses[0]
    assert watched.recordings == 0


# To be asked for such errors, PyTorch says that it may overlook some.
@pytest.mark.filterwarnings("ignore:Synchronization debug mode:UserWarning")
def test_nothing_waits_for_the_device_between_reports(lake: Signal) -> None:
    trainer = trainer_of(lake)
    sums_of(trainer, 1)
    torch.cuda.set_sync_debug_mode("error")
    try:
        total = sums_of(trainer, 2 * AT_ONCE + 3)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert bool(total.isfinite().all())
