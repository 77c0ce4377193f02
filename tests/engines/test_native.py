from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.engines.native import NATIVE, NativeEngine
from sinefit.native.instruction_sets import instruction_sets, serves
from sinefit.native.one_network import OneNetwork
from sinefit.networks.size import NetworkSize

from .making import draw_batch, exact, random_network, work_of, worst_error

if TYPE_CHECKING:
    from sinefit.engines.engine import Precision

SIZE = NetworkSize(2, 64, 3, 3)
PRECISIONS = NATIVE.precisions(work_of(random_network(SIZE), 1))
ODD = NetworkSize(2, 33, 3, 3)

needs_tiles = pytest.mark.skipif(
    "bfloat16" not in PRECISIONS,
    reason="this machine has no tile registers, or no compiled part",
)
needs_vectors = pytest.mark.skipif(not instruction_sets(), reason="there is no compiled part")


@needs_tiles
@pytest.mark.parametrize("precision", ["bfloat16", "two bfloat16"])
def test_the_gradient_is_near_the_exact_one(precision: Precision) -> None:
    network, batch = random_network(SIZE), draw_batch(SIZE, 700)
    losses, gradient = exact(network, batch)
    engine = NativeEngine(network, work_of(network, 700), precision)
    bound = 1e-5 if precision == "two bfloat16" else SIZE.depth * 8 * 2.0**-9
    torch.testing.assert_close(engine.step(batch).double(), losses, rtol=bound, atol=0)
    assert worst_error(network, engine.gradient, gradient) < bound
    # The faster one does round.
    assert (worst_error(network, engine.gradient, gradient) > 1e-4) == (precision == "bfloat16")


@needs_tiles
def test_a_batch_goes_by_parts_of_the_work() -> None:
    network, batch = random_network(SIZE), draw_batch(SIZE, 700)
    losses, gradient = exact(network, batch)
    engine = NativeEngine(network, work_of(network, 300), "two bfloat16")
    for _ in range(2):
        torch.testing.assert_close(engine.step(batch).double(), losses, rtol=1e-5, atol=0)
        assert worst_error(network, engine.gradient, gradient) < 1e-5


@needs_tiles
@pytest.mark.parametrize("precision", ["bfloat16", "two bfloat16"])
def test_every_step_sees_the_present_weights(precision: Precision) -> None:
    network = random_network(SIZE)
    engine = NativeEngine(network, work_of(network, 40), precision)
    place = engine.gradient
    for seed in range(3):
        batch = draw_batch(SIZE, 40, seed=seed)
        before = network.values.clone()
        engine.step(batch)
        assert torch.equal(network.values, before)
        assert engine.gradient is place
        again = network.clone()
        other = NativeEngine(again, work_of(again, 40), precision)
        other.step(batch)
        assert torch.equal(engine.gradient, other.gradient)
        network.values.sub_(engine.gradient)


@needs_tiles
def test_batches_may_be_parts_of_wider_rows() -> None:
    network, batch = random_network(SIZE), draw_batch(SIZE, 30)
    rows = torch.cat([batch.coordinates, batch.targets], dim=2)
    engine = NativeEngine(network, work_of(network, 30), "two bfloat16")
    expected = engine.step(batch), engine.gradient.clone()
    wide = dataclasses.replace(batch, coordinates=rows[:, :, :2], targets=rows[:, :, 2:])
    assert torch.equal(engine.step(wide), expected[0])
    assert torch.equal(engine.gradient, expected[1])


@needs_tiles
def test_it_serves_one_network_and_one_target_per_point() -> None:
    one = random_network(SIZE)
    assert PRECISIONS == ("bfloat16", "two bfloat16")
    assert not NATIVE.precisions(work_of(random_network(SIZE, 2), 8))
    assert not NATIVE.precisions(work_of(one, 8, points=4))
    assert not NATIVE.precisions(work_of(one, 8, device=torch.device("mps")))
    assert NATIVE.precisions(work_of(random_network(ODD), 8)) == ("float32",)


@needs_vectors
@pytest.mark.parametrize("targets", [1, 700])
def test_by_vectors_the_gradient_is_the_exact_one(targets: int) -> None:
    network, batch = random_network(ODD), draw_batch(ODD, targets)
    losses, gradient = exact(network, batch)
    for part in (targets, 300):
        engine = NATIVE.make(network, work_of(network, part), "float32")
        place = engine.gradient
        for _ in range(2):
            torch.testing.assert_close(engine.step(batch).double(), losses, rtol=1e-5, atol=0)
            assert engine.gradient is place
            assert worst_error(network, place, gradient) < 1e-5


@needs_vectors
@pytest.mark.parametrize("width", [7, 32, 33, 288])
@pytest.mark.parametrize("channels", [1, 17])
@pytest.mark.parametrize("threads", [1, 3, 40])
def test_its_memory_covers_what_it_holds(threads: int, channels: int, width: int) -> None:
    size = NetworkSize(2, width, 3, channels)
    work = work_of(random_network(size), 4096, threads=threads)
    for one in instruction_sets():
        if serves(one, width):
            assert OneNetwork(size, threads, one).bytes <= NATIVE.memory(work)
