from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sinefit.fitting.engines import AutogradEngine
from sinefit.fitting.objective import MeanSquaredError

from ..making import random_network
from .batches import SIZES, draw_batch, gradients

if TYPE_CHECKING:
    from sinefit.networks.size import NetworkSize


@pytest.mark.parametrize(("size", "batch"), SIZES)
def test_the_reference_against_finite_differences(size: NetworkSize, batch: int) -> None:
    network = random_network(size).double()
    coordinates, targets = (part.double() for part in draw_batch(size, batch))
    objective = MeanSquaredError()
    AutogradEngine(network, objective).step(coordinates, targets)

    def loss() -> float:
        return float(objective.loss(network(coordinates).detach(), targets))

    step = 1e-5
    for parameter, gradient in zip(network.parameters(), gradients(network), strict=True):
        flat, expected = parameter.detach().view(-1), gradient.view(-1)
        for index in (0, len(flat) // 2, len(flat) - 1):
            kept = float(flat[index])
            flat[index] = kept + step
            above = loss()
            flat[index] = kept - step
            below = loss()
            flat[index] = kept
            assert (above - below) / (2 * step) == pytest.approx(
                float(expected[index]), rel=1e-4, abs=1e-8
            )
