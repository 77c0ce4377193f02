from __future__ import annotations

import math

import pytest
import torch

from sinefit.fitting.engines import AutogradEngine, ManualEngine
from sinefit.fitting.objective import MeanSquaredError
from sinefit.networks.sine import SineNetwork
from sinefit.networks.size import NetworkSize
from sinefit.processor.products import bfloat16_products

from ..making import random_network
from .batches import SIZES, draw_batch, gradients, reference, relative_error

pytestmark = pytest.mark.processor


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
@pytest.mark.parametrize("operands", [torch.float32, torch.bfloat16])
def test_the_gradient_is_near_that_of_autograd_in_float64(
    depth: int, operands: torch.dtype
) -> None:
    size = NetworkSize(2, 64, depth, 3)
    network = random_network(size)
    coordinates, targets = draw_batch(size, 512)
    expected_loss, expected = reference(network, coordinates, targets)
    loss = ManualEngine(network, MeanSquaredError(), operands, 512).step(coordinates, targets)
    rounded = operands == torch.bfloat16 and bfloat16_products()
    # Factors are rounded to 8 bits, by 2^-9 at most: in each hidden layer those of the phases, the
    # weights twice, the sines twice and the flow twice, whose errors would be 8 * 2^-9 if all added
    # up. Phases and sums are float32.
    bound = (depth - 1) * 8 * 2.0**-9 if rounded and depth > 1 else 1e-5
    assert float(loss) == pytest.approx(expected_loss, rel=bound)
    for actual, truth in zip(gradients(network), expected, strict=True):
        assert actual.dtype == torch.float32
        assert relative_error(actual, truth) < bound
    # It did round: float32 would be closer than this by far.
    first = relative_error(gradients(network)[0], expected[0])
    assert (first > 1e-4) == (rounded and depth > 1)


def test_phases_are_as_fine_as_float32() -> None:
    """Hidden phases of hundreds, exact in bfloat16 factors: rounded ones would be off by units."""
    size = NetworkSize(1, 64, 2, 64)
    one = SineNetwork(
        [torch.zeros(64, 1), torch.zeros(64, 64), torch.eye(64)],
        [torch.full((64,), math.pi / 2), 100 + torch.linspace(0, 50, 64), torch.zeros(64)],
    )
    coordinates, targets = torch.zeros(64, 1), torch.zeros(64, 64)
    loss = ManualEngine(one, MeanSquaredError(), torch.bfloat16, 64).step(coordinates, targets)
    expected = torch.sin(one.biases[1].detach().double()).square().mean()
    assert size == one.size
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_the_caller_s_setting_of_products_is_left_alone() -> None:
    size = NetworkSize(2, 64, 3, 3)
    network = random_network(size)
    settings = torch.backends.mkldnn.matmul
    before = settings.fp32_precision
    ManualEngine(network, MeanSquaredError(), torch.bfloat16, 64).step(*draw_batch(size, 64))
    assert settings.fp32_precision == before


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
