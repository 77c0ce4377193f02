from __future__ import annotations

import pytest
import torch

from sinefit.fitting.engines import AutogradEngine, ManualEngine
from sinefit.fitting.objective import MeanSquaredError
from sinefit.networks.sine import SineNetwork
from sinefit.networks.size import NetworkSize

from ..making import random_network
from .batches import SIZES, draw_batch, gradients, relative_error


@pytest.mark.parametrize(("size", "batch"), SIZES)
def test_in_float32_the_gradient_is_the_reference_s(size: NetworkSize, batch: int) -> None:
    network, twin = random_network(size), random_network(size)
    coordinates, targets = draw_batch(size, batch)
    expected_loss = AutogradEngine(twin, MeanSquaredError()).step(coordinates, targets)
    loss = ManualEngine(network, MeanSquaredError(), torch.float32, batch).step(
        coordinates, targets
    )
    assert float(loss) == pytest.approx(float(expected_loss), rel=1e-6)
    for actual, expected in zip(gradients(network), gradients(twin), strict=True):
        assert actual.dtype == torch.float32
        assert relative_error(actual, expected) < 1e-5


@pytest.mark.parametrize("piece", [1, 7, 39, 64])
def test_pieces_add_up_to_the_batch(piece: int) -> None:
    size = NetworkSize(2, 24, 3, 2)
    network, twin = random_network(size), random_network(size)
    coordinates, targets = draw_batch(size, 39)
    expected_loss = AutogradEngine(twin, MeanSquaredError()).step(coordinates, targets)
    engine = ManualEngine(network, MeanSquaredError(), torch.float32, piece)
    for _ in range(2):  # the second step must not add to the gradient of the first
        loss = engine.step(coordinates, targets)
    assert float(loss) == pytest.approx(float(expected_loss), rel=1e-6)
    for actual, expected in zip(gradients(network), gradients(twin), strict=True):
        assert relative_error(actual, expected) < 1e-5


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_in_bfloat16_the_gradient_is_near_the_reference_s(depth: int) -> None:
    size = NetworkSize(2, 48, depth, 3)
    network, twin = random_network(size), random_network(size)
    coordinates, targets = draw_batch(size, 512)
    expected_loss = AutogradEngine(twin, MeanSquaredError()).step(coordinates, targets)
    loss = ManualEngine(network, MeanSquaredError(), torch.bfloat16, 512).step(coordinates, targets)
    # bfloat16 rounds to 8 bits, by 2^-9 at most. Each sine layer rounds weights, sines, cosines
    # and what flows back once, and phases of up to about 4: errors of 8 * 2^-9 if all added up.
    bound = depth * 8 * 2.0**-9
    assert float(loss) == pytest.approx(float(expected_loss), rel=bound)
    for actual, expected in zip(gradients(network), gradients(twin), strict=True):
        assert actual.dtype == torch.float32
        assert relative_error(actual, expected) < bound
    # It did compute in bfloat16: float32 would be closer than this by far.
    assert relative_error(gradients(network)[0], gradients(twin)[0]) > 1e-5


@pytest.mark.parametrize("operands", [torch.float32, torch.bfloat16])
def test_every_step_sees_the_present_weights(operands: torch.dtype) -> None:
    size = NetworkSize(2, 24, 3, 2)
    network = random_network(size)
    engine = ManualEngine(network, MeanSquaredError(), operands, 40)
    for seed in range(3):
        coordinates, targets = draw_batch(size, 40, seed)
        engine.step(coordinates, targets)
        again = SineNetwork(
            [weight.detach().clone() for weight in network.weights],
            [bias.detach().clone() for bias in network.biases],
        )
        ManualEngine(again, MeanSquaredError(), operands, 40).step(coordinates, targets)
        for actual, expected in zip(gradients(network), gradients(again), strict=True):
            assert torch.equal(actual, expected)
        with torch.no_grad():
            for parameter, gradient in zip(network.parameters(), gradients(network), strict=True):
                parameter.sub_(gradient)


@pytest.mark.parametrize("operands", [torch.float32, torch.bfloat16])
def test_parameters_and_gradients_stay_where_they_are(operands: torch.dtype) -> None:
    size = NetworkSize(2, 24, 3, 2)
    network = random_network(size)
    before = [(part, part.data_ptr()) for part in network.parameters()]
    engine = ManualEngine(network, MeanSquaredError(), operands, 40)
    places = [gradient.data_ptr() for gradient in gradients(network)]
    for seed in range(2):
        engine.step(*draw_batch(size, 40, seed))
        assert [gradient.data_ptr() for gradient in gradients(network)] == places
    assert [(part, part.data_ptr()) for part in network.parameters()] == before


def test_the_weights_are_left_alone() -> None:
    size = NetworkSize(2, 24, 3, 2)
    network, twin = random_network(size), random_network(size)
    for engine in (
        ManualEngine(network, MeanSquaredError(), torch.bfloat16, 40),
        AutogradEngine(network, MeanSquaredError()),
    ):
        loss = engine.step(*draw_batch(size, 40))
        assert loss.shape == ()
        assert not loss.requires_grad
    for kept, parameter in zip(twin.parameters(), network.parameters(), strict=True):
        assert torch.equal(kept, parameter)
