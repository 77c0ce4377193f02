from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.engines.engine import Work
from sinefit.engines.objective import Batch, MeanSquaredError
from sinefit.engines.registry import ENGINES, choose_engine, piece_size
from sinefit.native import small_networks
from sinefit.native.instruction_sets import tiles_supported
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize
from sinefit.processor.capability import (
    Capability,
    ProcessorLimit,
    limit_processor,
    processor_limit,
)

from .making import (
    CPU,
    PARABOLAS,
    draw_batch,
    exact,
    held_bytes,
    random_network,
    work_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


pytestmark = pytest.mark.processor


class MeanAbsoluteError:
    """An objective that is no mean squared error."""

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return self._difference(outputs, batch).abs().mean(dim=(1, 2))

    def derivative(self, outputs: Tensor, batch: Batch) -> Tensor:
        _, targets, channels = batch.targets.shape
        share = self._difference(outputs, batch).sign() / (targets * channels * batch.points)
        return share.repeat_interleave(batch.points, dim=1)

    @staticmethod
    def _difference(outputs: Tensor, batch: Batch) -> Tensor:
        means = outputs.reshape(*batch.targets.shape[:2], batch.points, -1).mean(dim=2)
        return means - batch.targets


works = st.builds(
    Work,
    family=st.sampled_from([SINE, PARABOLAS]),
    size=st.builds(
        NetworkSize,
        in_features=st.integers(1, 4),
        width=st.sampled_from([1, 16, 32, 33, 64]),
        depth=st.integers(1, 4),
        out_features=st.sampled_from([1, 3, 17]),
    ),
    members=st.integers(1, 3),
    targets=st.integers(1, 40),
    points=st.integers(1, 3),
    objective=st.sampled_from([MeanSquaredError(), MeanAbsoluteError()]),
    device=st.sampled_from([torch.device(name) for name in ("cpu", "cuda", "mps")]),
    threads=st.integers(1, 3),
)
on_cpu = works.filter(lambda work: work.device == CPU)


@pytest.fixture
def _limit_put_back() -> Iterator[None]:
    before = processor_limit()
    yield
    limit_processor(before)


def test_the_engine_of_every_machine() -> None:
    network = random_network(NetworkSize(2, 64, 3, 3))
    native = tiles_supported(network.size.width) or small_networks.supported()
    for device, expected in (
        ("cpu", "native" if native else "torch"),
        ("cuda", "cuda"),
        ("mps", "torch"),
    ):
        assert choose_engine(work_of(network, 8, device=torch.device(device))).name == expected
    stack = random_network(network.size, 2)
    for device, expected in (
        ("cpu", "small" if small_networks.supported() else "torch"),
        ("cuda", "torch"),
        ("mps", "torch"),
    ):
        assert choose_engine(work_of(stack, 8, device=torch.device(device))).name == expected


@pytest.mark.usefixtures("_limit_put_back")
def test_a_lesser_processor_has_float32() -> None:
    limit_processor(ProcessorLimit(Capability.AVX512_BF16))
    work = work_of(random_network(NetworkSize(2, 64, 3, 3)), 8)
    assert choose_engine(work).name == ("native" if small_networks.supported() else "torch")
    assert choose_engine(work).precisions(work) == ("float32",)
    limit_processor(ProcessorLimit(Capability.AVX512_BF16, compiled=False))
    assert choose_engine(work).name == "torch"
    assert choose_engine(work).precisions(work) == ("float32",)


def test_pieces_on_cuda_fit_its_second_cache() -> None:
    width, phases, sines_and_cosines = 256, 4, 2 * 2  # bytes of float32 and of bfloat16
    cache = 40 * 2**20  # of an A100
    held = piece_size("cuda") * width * (phases + sines_and_cosines)
    assert cache / 2 < held < cache


def test_engines_go_by_their_names() -> None:
    assert all(kind.name == name for name, kind in ENGINES.items())


@given(works)
def test_the_chosen_engine_can_do_the_work_and_a_faster_one_cannot(work: Work) -> None:
    kinds = list(ENGINES.values())
    able = [kind for kind in kinds if kind.precisions(work)]
    assert choose_engine(work) is able[0]
    assert kinds[-1] in able  # there is always one


@given(on_cpu)
def test_every_engine_does_the_work_that_it_takes_on(work: Work) -> None:
    """To the precision that it names: exactly, or to the rounding of that many bits."""
    network = random_network(work.size, work.members, family=work.family)
    # Outputs between targets far above and far below: neither objective has a kink nearby.
    batch = draw_batch(work.size, work.targets, work.members, work.points)
    away = torch.where(batch.targets < 0, batch.targets - 90, batch.targets + 90)
    batch = Batch(batch.coordinates, away, work.points)
    losses, gradient = exact(network, batch, work.objective)
    for kind in ENGINES.values():
        for precision in kind.precisions(work):
            engine = kind.make(network, work, precision)
            found = engine.step(batch)
            bits = {"float32": 18, "two bfloat16": 16, "float16": 11, "bfloat16": 8}[precision]
            bound = work.size.depth * 8 * 2.0 ** -(bits + 1)
            assert found.shape == (work.members,)
            torch.testing.assert_close(found.double(), losses, rtol=bound, atol=0)
            scale = gradient.norm(dim=1)
            assert bool(((engine.gradient - gradient).norm(dim=1) <= bound * scale).all())


@given(works)
def test_what_an_engine_cannot_do_it_has_no_precision_for(work: Work) -> None:
    plain = isinstance(work.objective, MeanSquaredError)
    single = work.family is SINE and plain and work.members == work.points == 1
    cuda, native = ENGINES["cuda"].precisions(work), ENGINES["native"].precisions(work)
    if not single or work.device.type != "cuda":
        assert cuda == ()
    if not single or work.device != CPU:
        assert native == ()
    if work.size.width % 32:
        assert native in ((), ("float32",))  # no tiles
    if work.members == 1 or work.device != CPU:
        assert ENGINES["small"].precisions(work) == ()
    if work.family is not SINE:
        assert ENGINES["small"].precisions(work) == ()
        assert ENGINES["torch"].precisions(work) == ()
    assert ENGINES["reference"].precisions(work) == ("float32",)


@pytest.mark.parametrize("name", ["torch", "cuda"])
@pytest.mark.parametrize("targets", [1, 300])
def test_the_memory_that_it_names_covers_its_tensors(name: str, targets: int) -> None:
    network = random_network(NetworkSize(2, 24, 3, 3))
    work, kind = work_of(network, targets), ENGINES[name]
    engine = kind.make(network, work, "float32")
    engine.step(draw_batch(network.size, targets))
    weights = 4 * network.size.parameter_count
    # Besides it, the values and their gradient; and of a CUDA step copies that it works on.
    assert kind.memory(work) < 2 * held_bytes(engine)
    assert held_bytes(engine) <= kind.memory(work) + 4 * weights
