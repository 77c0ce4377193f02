from __future__ import annotations

import numpy as np
import pytest
import torch

from sinefit.fitting.objective import MeanSquaredError


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (64, 4)])
def test_the_loss_and_its_derivative(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
    targets = torch.randn(shape, generator=generator, dtype=torch.float64)
    objective = MeanSquaredError()
    loss = objective.loss(outputs, targets)
    expected = np.mean((outputs.detach().numpy() - targets.numpy()) ** 2)
    assert float(loss.detach()) == pytest.approx(expected)
    (gradient,) = torch.autograd.grad(loss, outputs)
    kept = outputs.detach().clone()
    torch.testing.assert_close(objective.derivative(outputs.detach(), targets), gradient)
    assert torch.equal(outputs, kept)
