from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.engines.objective import Batch
from sinefit.engines.torch_engine import TORCH, TorchEngine
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize

from .making import (
    SIZES,
    ScarceMemory,
    bfloat16_allowed,
    draw_batch,
    exact,
    random_network,
    work_of,
    worst_error,
)

if TYPE_CHECKING:
    from sinefit.engines.engine import Precision

pytestmark = pytest.mark.processor

SIZE = NetworkSize(2, 24, 3, 2)
BFLOAT16 = pytest.param(
    "bfloat16",
    marks=pytest.mark.skipif(
        "bfloat16" not in TORCH.precisions(work_of(random_network(SIZE), 1)),
        reason="this machine has no products of bfloat16 by torch",
    ),
)


@pytest.mark.parametrize("points", [1, 4])
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize(("size", "targets"), SIZES)
def test_in_float32_the_gradient_is_exact(
    size: NetworkSize, targets: int, members: int, points: int
) -> None:
    network = random_network(size, members)
    batch = draw_batch(size, targets, members, points)
    losses, gradient = exact(network, batch)
    engine = TorchEngine(network, work_of(network, targets, points), "float32")
    torch.testing.assert_close(engine.step(batch).double(), losses, rtol=1e-5, atol=0)
    assert worst_error(network, engine.gradient, gradient) < 1e-5


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("piece", [1, 7, 39, 64])
def test_parts_add_up_to_the_batch(piece: int, members: int) -> None:
    network = random_network(SIZE, members)
    batch = draw_batch(SIZE, 39, members, 2)
    losses, gradient = exact(network, batch)
    engine = TorchEngine(network, work_of(network, piece, 2), "float32")
    for _ in range(2):  # the second step must not add to the gradient of the first
        torch.testing.assert_close(engine.step(batch).double(), losses, rtol=1e-5, atol=0)
    assert worst_error(network, engine.gradient, gradient) < 1e-5


@pytest.mark.parametrize("precision", [BFLOAT16])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_in_bfloat16_it_errs_by_the_rounding_of_factors(depth: int, precision: Precision) -> None:
    size = NetworkSize(2, 64, depth, 3)
    network = random_network(size, 2)
    batch = draw_batch(size, 512, 2)
    losses, gradient = exact(network, batch)
    engine = TorchEngine(network, work_of(network, 512), precision)
    # Factors are rounded to 8 bits, by 2^-9 at most: in each hidden layer those of the phases, the
    # weights twice, the sines twice and the flow twice, whose errors would be 8 * 2^-9 if all added
    # up. Phases and sums are float32, and so are the first layer and the last.
    bound = (depth - 1) * 8 * 2.0**-9 if depth > 1 else 1e-5
    torch.testing.assert_close(engine.step(batch).double(), losses, rtol=bound, atol=0)
    error = worst_error(network, engine.gradient, gradient)
    assert error < bound
    # It did round: float32 would be closer than this by far.
    assert (error > 1e-4) == (depth > 1)


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("precision", ["float32", BFLOAT16])
def test_phases_are_as_fine_as_float32(precision: Precision, members: int) -> None:
    """Hidden phases of hundreds, exact in bfloat16 factors: rounded ones would be off by units."""
    size = NetworkSize(1, 64, 2, 64)
    phases = 100 + torch.linspace(0, 50, 64)
    parameters = {name: torch.zeros((members, *shape)) for name, shape in SINE.shapes(size).items()}
    parameters["layers.0.bias"].fill_(math.pi / 2)
    parameters["layers.1.bias"].copy_(phases)
    parameters["layers.2.weight"].copy_(torch.eye(64))
    network = Network.of(SINE, size, parameters)
    batch = Batch(torch.zeros(members, 64, 1), torch.zeros(members, 64, 64))
    losses = TorchEngine(network, work_of(network, 64), precision).step(batch)
    expected = float(torch.sin(phases.double()).square().mean())
    assert losses.tolist() == pytest.approx([expected] * members, rel=1e-5)


def test_a_caller_s_bfloat16_does_not_reach_it() -> None:
    network, batch = random_network(SIZE, 2), draw_batch(SIZE, 200, 2)
    losses, gradient = exact(network, batch)
    engine = TorchEngine(network, work_of(network, 200), "float32")
    with bfloat16_allowed():
        found = engine.step(batch)
    torch.testing.assert_close(found.double(), losses, rtol=1e-5, atol=0)
    assert worst_error(network, engine.gradient, gradient) < 1e-5


@pytest.mark.parametrize("precision", ["float32", BFLOAT16])
def test_the_caller_s_setting_of_products_is_left_alone(precision: Precision) -> None:
    settings = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = settings.fp32_precision
    network = random_network(SIZE)
    TorchEngine(network, work_of(network, 64), precision).step(draw_batch(SIZE, 64))
    assert settings.fp32_precision == before


@pytest.mark.parametrize("precision", ["float32", BFLOAT16])
def test_a_step_leaves_the_values_alone_and_the_gradient_in_its_place(precision: Precision) -> None:
    network = random_network(SIZE)
    before = network.values.clone()
    engine = TorchEngine(network, work_of(network, 40), precision)
    place = engine.gradient
    for seed in range(2):
        losses = engine.step(draw_batch(SIZE, 40, seed=seed))
        assert not losses.requires_grad
        assert engine.gradient is place
    assert torch.equal(network.values, before)


@pytest.mark.parametrize("precision", ["float32", BFLOAT16])
def test_every_step_sees_the_present_weights(precision: Precision) -> None:
    network = random_network(SIZE, 2)
    engine = TorchEngine(network, work_of(network, 40), precision)
    for seed in range(3):
        batch = draw_batch(SIZE, 40, 2, seed=seed)
        engine.step(batch)
        again = network.clone()
        other = TorchEngine(again, work_of(again, 40), precision)
        other.step(batch)
        assert torch.equal(engine.gradient, other.gradient)
        network.values.sub_(engine.gradient)


@pytest.mark.parametrize("spoilt", [torch.nan, torch.inf])
def test_a_member_that_is_spoilt_leaves_the_others_alone(spoilt: float) -> None:
    sound, other = random_network(SIZE, 3), random_network(SIZE, 3)
    batch = draw_batch(SIZE, 40, 3)
    engine = TorchEngine(sound, work_of(sound, 40), "float32")
    expected = engine.step(batch)
    other.values[1] = spoilt
    broken = TorchEngine(other, work_of(other, 40), "float32")
    losses = broken.step(batch)
    assert not bool(losses[1].isfinite())
    for place in (0, 2):
        assert losses[place] == expected[place]
        assert torch.equal(broken.gradient[place], engine.gradient[place])


def test_a_member_in_a_stack_is_the_network_alone() -> None:
    stack, batch = random_network(SIZE, 3), draw_batch(SIZE, 40, 3)
    engine = TorchEngine(stack, work_of(stack, 40), "float32")
    losses = engine.step(batch)
    for place in range(3):
        alone = Network(stack.family, SIZE, stack.values[place : place + 1].clone())
        single = TorchEngine(alone, work_of(alone, 40), "float32")
        mine = slice(place, place + 1)
        loss = single.step(Batch(batch.coordinates[mine], batch.targets[mine]))
        torch.testing.assert_close(loss[0], losses[place], rtol=1e-6, atol=0)
        torch.testing.assert_close(single.gradient[0], engine.gradient[place], rtol=1e-4, atol=1e-7)


def test_its_memory_is_what_it_says_at_least() -> None:
    network = random_network(SIZE, 2)
    work = work_of(network, 30)
    values = TORCH.memory(work) // 4
    with ScarceMemory(values):
        TorchEngine(network, work, "float32")
    with ScarceMemory(values - 1), pytest.raises(torch.OutOfMemoryError):
        TorchEngine(network, work, "float32")
