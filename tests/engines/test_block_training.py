"""The kernel that trains a block by itself, by Triton's interpreter, against float64."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
import torch

from sinefit.engines.adam import Adam, plain_update
from sinefit.engines.blocks import BLOCKS
from sinefit.engines.objective import Batch, MeanSquaredError
from sinefit.engines.reference import REFERENCE, ReferenceEngine
from sinefit.engines.registry import choose_engine, shortfalls
from sinefit.fitting.loop import make_plan
from sinefit.fitting.samples import PartSamples
from sinefit.fitting.trainer import Trainer
from sinefit.networks.network import Network
from sinefit.networks.size import NetworkSize
from tests.fitting.making import picture, settings

from .interpreting import interpreted
from .making import CPU, PARABOLAS, random_network, work_of, worst_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from sinefit.engines.engine import EngineKind, Precision

SMALL = NetworkSize(2, 12, 2, 3)


@pytest.fixture(scope="module")
def training() -> Iterator[ModuleType]:
    with interpreted("block_training") as module:
        yield module


class Stack:
    """Networks, samples, rates with frozen weights and draws: the same of every seed."""

    def __init__(
        self, size: NetworkSize, batch: int, members: int = 2, *, bound: float | None = None
    ) -> None:
        self.size, self.members, self.batch = size, members, batch
        self.network = random_network(size, members)
        self._generator = torch.Generator().manual_seed(3)
        # The members' tables have different lengths.
        self.tables = [self._random(2 * batch + member) for member in range(members)]
        self.rates = torch.rand(self.network.values.shape, generator=self._generator) * 1e-2
        self.rates[:, ::7] = 0.0
        self.bounds = None if bound is None else torch.full_like(self.rates, bound)

    def _random(self, rows: int) -> torch.Tensor:
        columns = self.size.in_features + self.size.out_features
        return torch.rand((rows, columns), generator=self._generator) * 2 - 1

    def draw(self, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Samples of the steps and factors on the rates, other ones for every member."""
        shape = (steps, self.members, self.batch)
        indices = torch.randint(2 * self.batch, shape, generator=self._generator)
        factors = torch.rand(shape[:2], generator=self._generator, dtype=torch.float64)
        return indices, factors

    def adam(self, *, double: bool = False) -> Adam:
        network, rates, bounds = self.network, self.rates, self.bounds
        if double:
            network = Network(network.family, network.size, network.values.double())
            rates, bounds = rates.double(), None if bounds is None else bounds.double()
        return Adam(network, rates, bounds, update=plain_update)

    def train(self, adam: Adam, indices: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
        """Take the steps by autograd and plain operations; return the sums of losses."""
        network = Network(self.network.family, self.size, adam.values)
        engine = ReferenceEngine(network, MeanSquaredError())
        total = torch.zeros(self.members, dtype=adam.values.dtype)
        for drawn, each in zip(indices, factors.tolist(), strict=True):
            rows = [table[own] for table, own in zip(self.tables, drawn, strict=True)]
            batch = torch.stack(rows).to(total.dtype)
            features = self.size.in_features
            total += engine.step(Batch(batch[..., :features], batch[..., features:]))
            adam.step(engine.gradient, each)
        return total


SHAPES = [
    (NetworkSize(1, 16, 1, 1), 33, None),
    (NetworkSize(2, 24, 3, 3), 20, None),
    (NetworkSize(3, 33, 2, 4), 70, 0.5),
    (NetworkSize(2, 64, 4, 3), 48, 0.25),
    (NetworkSize(2, 100, 2, 1), 17, None),
    (NetworkSize(3, 1, 5, 2), 1, 0.75),
]


@pytest.mark.parametrize(("size", "batch", "bound"), SHAPES)
def test_in_float32_it_is_adam_on_the_exact_gradient(
    size: NetworkSize, batch: int, bound: float | None, training: ModuleType
) -> None:
    stack = Stack(size, batch, bound=bound)
    exact = stack.adam(double=True)
    adam = stack.adam()
    before = adam.values.clone()
    indices, factors = stack.draw(2)
    expected = stack.train(exact, indices, factors)
    losses = training.BlockTraining(size, adam, stack.tables, "float32").take(indices, factors)
    torch.testing.assert_close(losses.double(), expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(adam.values.double(), exact.values, rtol=0, atol=2e-6)
    for mine, theirs in zip(adam.averages, exact.averages, strict=True):
        assert worst_error(stack.network, mine, theirs) < 1e-4
    assert adam.steps.tolist() == [2, 2]
    frozen = stack.rates == 0.0
    assert torch.equal(adam.values[frozen], before[frozen])
    assert bound is None or float(adam.values.abs().max()) <= bound


@pytest.mark.parametrize(("size", "batch", "bound"), SHAPES)
def test_in_float16_it_errs_by_the_rounding_of_factors(
    size: NetworkSize, batch: int, bound: float | None, training: ModuleType
) -> None:
    stack = Stack(size, batch, bound=bound)
    exact, adam = stack.adam(double=True), stack.adam()
    indices, factors = stack.draw(1)
    expected = stack.train(exact, indices, factors)
    losses = training.BlockTraining(size, adam, stack.tables, "float16").take(indices, factors)
    # Each layer rounds weights, sines, cosines and what flows back once, by 2^-12 at most each.
    error = size.depth * 4 * 2.0**-12
    torch.testing.assert_close(losses.double(), expected, rtol=error, atol=0)
    assert worst_error(stack.network, adam.averages[0], exact.averages[0]) < 4 * error


@pytest.mark.parametrize("scale", [1e-12, 1e-5, 1e9])
def test_in_float16_no_gradient_is_too_small_or_too_large(
    scale: float, training: ModuleType
) -> None:
    stack = Stack(SMALL, 32)
    # What flows back is as small or as large as the last layer's weights.
    stack.network.parameters["layers.2.weight"].mul_(scale)
    exact, adam = stack.adam(double=True), stack.adam()
    indices, factors = stack.draw(1)
    stack.train(exact, indices, factors)
    training.BlockTraining(SMALL, adam, stack.tables, "float16").take(indices, factors)
    assert worst_error(stack.network, adam.averages[0], exact.averages[0]) < 0.01


def test_steps_at_once_are_those_one_by_one_to_the_bit(training: ModuleType) -> None:
    at_once, one_by_one = (Stack(SMALL, 20) for _ in range(2))
    indices, factors = at_once.draw(4)
    adam = at_once.adam()
    total = training.BlockTraining(SMALL, adam, at_once.tables, "float16").take(indices, factors)
    other = one_by_one.adam()
    again = training.BlockTraining(SMALL, other, one_by_one.tables, "float16")
    each = [again.take(indices[step : step + 1], factors[step : step + 1]) for step in range(4)]
    assert torch.equal(adam.values, other.values)
    torch.testing.assert_close(torch.stack(each).sum(dim=0), total)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of what interprets the kernel
@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_a_member_that_diverges_says_so_and_disturbs_no_other(
    precision: Precision, training: ModuleType
) -> None:
    stack, sound = (Stack(SMALL, 20, 3) for _ in range(2))
    stack.network.values[1, 5] = torch.nan
    indices, factors = stack.draw(2)
    losses = training.BlockTraining(SMALL, stack.adam(), stack.tables, precision).take(
        indices, factors
    )
    assert losses.isnan().tolist() == [False, True, False]
    training.BlockTraining(SMALL, sound.adam(), sound.tables, precision).take(indices, factors)
    for member in (0, 2):
        assert torch.equal(stack.network.values[member], sound.network.values[member])


@pytest.mark.parametrize("width", [16, 17, 32, 64, 128])
@pytest.mark.parametrize("batch", [1, 60, 4096])
def test_a_program_s_work_holds_the_width_and_suits_tensor_cores(
    width: int, batch: int, training: ModuleType
) -> None:
    shape = training.shape_for(width, batch)
    assert shape.columns >= width
    for side in (shape.columns, shape.rows):
        assert side >= 16
        assert side & (side - 1) == 0
    # Sines and cosines in 16 bit of the three lower layers of four take half of the registers.
    assert 3 * shape.columns * shape.rows <= 32 * shape.warps * 255 / 2


def test_what_a_multiprocessor_cannot_hold_is_refused(training: ModuleType) -> None:
    for size in (
        NetworkSize(2, 129, 3, 3),
        NetworkSize(9, 64, 3, 3),
        NetworkSize(2, 64, 3, 17),
        NetworkSize(2, 64, 9, 3),
    ):
        assert not training.fits(size)
        with pytest.raises(ValueError, match="registers"):
            training.attempt(size, 20, CPU, "float16")
    training.attempt(NetworkSize(2, 16, 2, 1), 20, CPU, "float16")


def trainer_of(kind: EngineKind, **others: Any) -> Trainer:
    signal = picture((24, 20), 3)
    plan = make_plan(signal, settings(**{"blocks": 2, "batch": 40, "width": 16, **others}))
    plan = dataclasses.replace(plan, engine=kind, precision="float32", last_precision="float32")
    return Trainer([plan], [PartSamples(signal, plan.blocks, CPU)])


@pytest.mark.usefixtures("training")
def test_a_fit_s_blocks_take_the_steps_of_autograd() -> None:
    fast, plain = trainer_of(BLOCKS, init="tuner"), trainer_of(REFERENCE, init="tuner")
    for trainer in (fast, plain):
        assert trainer.first_group == range(4)
    for _ in range(2):
        sums = []
        for trainer in (fast, plain):
            goals = [trainer.steps[0] + 2] * 4
            ((_, losses),) = trainer.advance(goals, [lambda step: 1.0 / (1 + step)] * 4)
            sums.append(losses)
        torch.testing.assert_close(sums[0], sums[1], rtol=1e-4, atol=0)
    torch.testing.assert_close(fast.network.values, plain.network.values, rtol=0, atol=2e-5)
    assert fast.steps == plain.steps == [4] * 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_triton_or_a_device_torch_serves_and_it_is_told() -> None:
    network = random_network(SMALL, 3)
    work = work_of(network, 20, device=torch.device("cuda:0"))
    assert BLOCKS.precisions(work) == ()
    assert choose_engine(work).name == "torch"
    (told,) = shortfalls(work)
    assert "trains a block" in told
    assert "there is no CUDA device" in told
    others = random_network(NetworkSize(2, 1, 1, 1), 3, family=PARABOLAS)
    for other in (
        work_of(network, 20),
        work_of(others, 20, device=torch.device("cuda:0")),
        work_of(network, 20, points=2, device=torch.device("cuda:0")),
    ):
        assert BLOCKS.precisions(other) == ()
        assert BLOCKS.shortfall(other) is None
