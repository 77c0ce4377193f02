from __future__ import annotations

import pytest
import torch

from sinefit.fitting.engines import AutogradEngine, ManualEngine, fast_operands
from sinefit.fitting.objective import MeanSquaredError
from sinefit.networks.sine import SineNetwork
from sinefit.networks.size import NetworkSize

from .making import random_network

SIZES = [
    (NetworkSize(1, 16, 1, 1), 8),
    (NetworkSize(1, 5, 2, 2), 1),
    (NetworkSize(2, 33, 3, 3), 50),
    (NetworkSize(3, 48, 4, 4), 17),
    (NetworkSize(2, 1, 5, 1), 3),
]


def draw_batch(size: NetworkSize, batch: int, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    coordinates = torch.rand((batch, size.in_features), generator=generator) * 2 - 1
    return coordinates, torch.rand((batch, size.out_features), generator=generator) * 2 - 1


def gradients(network: SineNetwork) -> list[torch.Tensor]:
    found = []
    for parameter in network.parameters():
        assert parameter.grad is not None
        found.append(parameter.grad)
    return found


def relative_error(actual: torch.Tensor, expected: torch.Tensor) -> float:
    return float((actual - expected).norm() / expected.norm())


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


def test_operands_that_suit_this_machine() -> None:
    assert fast_operands(torch.device("cpu")) in (torch.float32, torch.bfloat16)


def test_operands_without_fast_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    for probe in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, probe, lambda: False, raising=False)
    assert fast_operands(torch.device("cpu")) == torch.float32
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True, raising=False)
    assert fast_operands(torch.device("cpu")) == torch.bfloat16


def test_operands_where_torch_has_no_such_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    for probe in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.delattr(torch.cpu, probe, raising=False)
    assert fast_operands(torch.device("cpu")) == torch.float32
    assert fast_operands(torch.device("mps")) == torch.float32
