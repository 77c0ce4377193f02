from __future__ import annotations

import pytest
import torch

from sinefit.engines.torch_engine import TORCH, TorchEngine
from sinefit.networks.network import Network
from sinefit.networks.size import NetworkSize

from .making import SIZES, draw_batch, exact, random_network, work_of, worst_error

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
def test_in_bfloat16_it_errs_by_the_rounding_of_factors(depth: int, precision: str) -> None:
    size = NetworkSize(2, 64, depth, 3)
    network = random_network(size, 2)
    batch = draw_batch(size, 512, 2)
    losses, gradient = exact(network, batch)
    engine = TorchEngine(network, work_of(network, 512), "bfloat16")
    # bfloat16 rounds to 8 bits, by 2^-9 at most: weights, sines and what flows back, once each for
    # every sine layer; nothing else is rounded.
    bound = depth * 4 * 2.0**-9
    torch.testing.assert_close(engine.step(batch).double(), losses, rtol=bound, atol=0)
    assert worst_error(network, engine.gradient, gradient) < bound
    if depth > 1:  # it did round: float32 would be closer than this by far
        assert worst_error(network, engine.gradient, gradient) > 1e-5


@pytest.mark.parametrize("precision", ["float32", BFLOAT16])
def test_every_step_sees_the_present_weights(precision: str) -> None:
    network = random_network(SIZE, 2)
    engine = TorchEngine(network, work_of(network, 40), precision)  # type: ignore[arg-type]
    for seed in range(3):
        batch = draw_batch(SIZE, 40, 2, seed=seed)
        engine.step(batch)
        again = network.clone()
        other = TorchEngine(again, work_of(again, 40), precision)  # type: ignore[arg-type]
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
        part = draw_batch(SIZE, 40, 3)
        single = TorchEngine(alone, work_of(alone, 40), "float32")
        mine = slice(place, place + 1)
        loss = single.step(type(part)(part.coordinates[mine], part.targets[mine]))
        torch.testing.assert_close(loss[0], losses[place], rtol=1e-6, atol=0)
        torch.testing.assert_close(single.gradient[0], engine.gradient[place], rtol=1e-4, atol=1e-7)
