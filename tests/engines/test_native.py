from __future__ import annotations

import pytest
import torch

from sinefit.engines.native import NATIVE, NativeEngine
from sinefit.networks.size import NetworkSize

from .making import draw_batch, exact, random_network, work_of, worst_error

SIZE = NetworkSize(2, 64, 3, 3)

pytestmark = pytest.mark.skipif(
    not NATIVE.precisions(work_of(random_network(SIZE), 1)),
    reason="this machine has no tile registers, or no compiled part",
)


@pytest.mark.parametrize("precision", ["bfloat16", "two bfloat16"])
def test_the_gradient_is_near_the_exact_one(precision: str) -> None:
    network, batch = random_network(SIZE), draw_batch(SIZE, 700)
    losses, gradient = exact(network, batch)
    engine = NativeEngine(network, work_of(network, 700), precision)  # type: ignore[arg-type]
    bound = 1e-5 if precision == "two bfloat16" else SIZE.depth * 8 * 2.0**-9
    torch.testing.assert_close(engine.step(batch).double(), losses, rtol=bound, atol=0)
    assert worst_error(network, engine.gradient, gradient) < bound


def test_every_step_sees_the_present_weights() -> None:
    network = random_network(SIZE)
    engine = NativeEngine(network, work_of(network, 40), "bfloat16")
    for seed in range(3):
        batch = draw_batch(SIZE, 40, seed=seed)
        engine.step(batch)
        again = network.clone()
        other = NativeEngine(again, work_of(again, 40), "bfloat16")
        other.step(batch)
        assert torch.equal(engine.gradient, other.gradient)
        network.values.sub_(engine.gradient)


def test_it_says_what_it_cannot_do() -> None:
    assert not NATIVE.precisions(work_of(random_network(SIZE, 2), 8))
    assert not NATIVE.precisions(work_of(random_network(SIZE), 8, points=4))
    assert not NATIVE.precisions(work_of(random_network(SIZE), 8, device=torch.device("mps")))
