from __future__ import annotations

import pytest
import torch

from sinefit.fitting.engines import AutogradEngine, NativeEngine
from sinefit.fitting.objective import MeanSquaredError
from sinefit.native import tiles_supported
from sinefit.networks.sine import SineNetwork
from sinefit.networks.size import NetworkSize

from ..making import random_network
from .batches import draw_batch, gradients, relative_error

SIZE = NetworkSize(2, 64, 3, 3)

pytestmark = pytest.mark.skipif(
    not tiles_supported(SIZE), reason="this machine has no tile registers, or no compiled part"
)


@pytest.mark.parametrize("split", [False, True])
def test_the_gradient_is_near_the_reference_s(split: bool) -> None:
    network, twin = random_network(SIZE), random_network(SIZE)
    coordinates, targets = draw_batch(SIZE, 700)
    expected_loss = AutogradEngine(twin, MeanSquaredError()).step(coordinates, targets)
    loss = NativeEngine(network, 2, split=split).step(coordinates, targets)
    assert loss.shape == ()
    bound = 1e-5 if split else SIZE.depth * 8 * 2.0**-9
    assert float(loss) == pytest.approx(float(expected_loss), rel=bound)
    for actual, expected in zip(gradients(network), gradients(twin), strict=True):
        assert actual.dtype == torch.float32
        assert relative_error(actual, expected) < bound


def test_every_step_sees_the_present_weights() -> None:
    network = random_network(SIZE)
    engine = NativeEngine(network, 2, split=False)
    for seed in range(3):
        batch = draw_batch(SIZE, 40, seed)
        engine.step(*batch)
        again = SineNetwork(
            [weight.detach().clone() for weight in network.weights],
            [bias.detach().clone() for bias in network.biases],
        )
        NativeEngine(again, 2, split=False).step(*batch)
        for actual, expected in zip(gradients(network), gradients(again), strict=True):
            assert torch.equal(actual, expected)
        with torch.no_grad():
            for parameter, gradient in zip(network.parameters(), gradients(network), strict=True):
                parameter.sub_(gradient)
