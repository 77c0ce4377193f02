from __future__ import annotations

import numpy as np
import pytest
import torch

from sinefit.engines.objective import Batch
from sinefit.engines.reference import ReferenceEngine
from sinefit.networks.network import Network
from sinefit.networks.size import NetworkSize

from .making import OBJECTIVE, SIZES, draw_batch, random_network


@pytest.mark.parametrize("points", [1, 3])
@pytest.mark.parametrize(("size", "targets"), SIZES)
def test_against_finite_differences(size: NetworkSize, targets: int, points: int) -> None:
    drawn = random_network(size, 2)
    network = Network(drawn.family, size, drawn.values.double())
    batch = draw_batch(size, targets, 2, points)
    batch = Batch(batch.coordinates.double(), batch.targets.double(), points)
    engine = ReferenceEngine(network, OBJECTIVE)
    engine.step(batch)

    def losses() -> torch.Tensor:
        means = network(batch.coordinates).reshape(2, targets, points, -1).mean(dim=2)
        errors: torch.Tensor = (means - batch.targets).square()
        return errors.mean(dim=(1, 2))

    step, count = 1e-5, network.values.shape[1]
    for index in np.random.default_rng(0).integers(0, count, 12):
        network.values[:, index] += step
        above = losses()
        network.values[:, index] -= 2 * step
        below = losses()
        network.values[:, index] += step
        torch.testing.assert_close(
            (above - below) / (2 * step), engine.gradient[:, index], rtol=1e-4, atol=1e-8
        )


def test_the_values_are_left_alone() -> None:
    size = NetworkSize(2, 24, 3, 2)
    network = random_network(size)
    before = network.values.clone()
    losses = ReferenceEngine(network, OBJECTIVE).step(draw_batch(size, 40))
    assert losses.shape == (1,)
    assert not losses.requires_grad
    assert torch.equal(network.values, before)
    assert not network.values.requires_grad
