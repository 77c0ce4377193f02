from __future__ import annotations

import pytest
import torch

from sinefit.engines.objective import Batch, MeanSquaredError
from sinefit.networks.size import NetworkSize

from .making import draw_batch

SIZE = NetworkSize(2, 4, 1, 3)


@pytest.mark.parametrize("points", [1, 2, 5])
def test_the_derivative_is_that_of_the_loss(points: int) -> None:
    batch = draw_batch(SIZE, 7, 2, points)
    batch = Batch(batch.coordinates, batch.targets.double(), points)
    outputs = torch.rand((2, 7 * points, 3), dtype=torch.float64).requires_grad_()
    objective = MeanSquaredError()
    losses = objective.loss(outputs, batch)
    (expected,) = torch.autograd.grad(losses.sum(), outputs)
    kept = outputs.detach().clone()
    torch.testing.assert_close(objective.derivative(outputs.detach(), batch), expected)
    assert torch.equal(outputs, kept)


def test_a_target_is_the_mean_of_its_points() -> None:
    targets = torch.tensor([[[1.0], [5.0]]])
    batch = Batch(torch.zeros(1, 4, 2), targets, 2)
    outputs = torch.tensor([[[0.0], [2.0], [4.0], [8.0]]])  # means 1 and 6
    assert MeanSquaredError().loss(outputs, batch).tolist() == [0.5]


def test_parts_of_a_batch_keep_points_with_their_targets() -> None:
    batch = draw_batch(SIZE, 6, 2, 3)
    part = batch.part(2, 4)
    assert torch.equal(part.targets, batch.targets[:, 2:4])
    assert torch.equal(part.coordinates, batch.coordinates[:, 6:12])
