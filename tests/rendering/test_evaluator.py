from __future__ import annotations

import pytest
import torch

from sinefit.native import tiles_supported
from sinefit.networks.size import NetworkSize
from sinefit.rendering.evaluator import PIECE, FloatEvaluator, TileEvaluator, choose_evaluator
from sinefit.signals.signal import SignalSpec

from .making import random_network

pytestmark = pytest.mark.processor


@pytest.mark.parametrize(
    "size", [NetworkSize(1, 1, 1, 1), NetworkSize(2, 19, 4, 3), NetworkSize(3, 16, 2, 4)]
)
def test_it_is_the_network_s_forward_pass(size: NetworkSize) -> None:
    network = random_network(size)
    evaluator = FloatEvaluator(network)
    assert evaluator.piece == PIECE
    for count in (1, 7, 300):
        points = torch.rand((count, size.in_features)) * 2 - 1
        torch.testing.assert_close(evaluator(points), network(points).detach())


def test_results_survive_the_next_call() -> None:
    network = random_network(NetworkSize(2, 8, 3, 1))
    evaluator = FloatEvaluator(network)
    first, second = torch.rand((5, 2)), torch.rand((5, 2))
    kept = evaluator(first)
    evaluator(second)
    torch.testing.assert_close(kept, network(first).detach())


def test_it_rounds_no_factors_whatever_the_caller_allows() -> None:
    network = random_network(NetworkSize(2, 64, 3, 3))
    points = torch.rand((300, 2)) * 2 - 1
    expected = FloatEvaluator(network)(points)
    settings = torch.backends.mkldnn.matmul
    before = settings.fp32_precision
    try:
        settings.fp32_precision = "bf16"
        torch.testing.assert_close(FloatEvaluator(network)(points), expected)
    finally:
        settings.fp32_precision = before


def test_it_needs_no_gradient_and_follows_the_weights() -> None:
    network = random_network(NetworkSize(1, 4, 2, 1))
    evaluator = FloatEvaluator(network)
    points = torch.rand((3, 1))
    assert not evaluator(points).requires_grad
    with torch.no_grad():
        network.weights[1].mul_(0.5)
    torch.testing.assert_close(evaluator(points), network(points).detach())


def test_the_evaluator_suits_the_samples() -> None:
    network = random_network(NetworkSize(2, 64, 3, 3))
    for bits in (8, 16, 24, 32, 64):
        spec = SignalSpec("array", (9, 7), 3, "float32", 0.0, 1.0, "npy", bits)
        evaluator = choose_evaluator(network, spec)
        points = torch.rand((200, 2)) * 2 - 1
        error = (evaluator(points) - network(points).detach()).abs().max()
        # Half a step of these samples over [-1, 1], or what float32 itself can do.
        assert error < max(2.0**-bits, 1e-6)


@pytest.mark.skipif(
    not tiles_supported(NetworkSize(2, 64, 3, 3)), reason="this machine has no tile registers"
)
def test_tiles_where_they_serve() -> None:
    network = random_network(NetworkSize(2, 64, 3, 3))
    points = torch.rand((300, 2)) * 2 - 1
    evaluator = TileEvaluator(network)
    kept = evaluator(points)
    evaluator(torch.rand((300, 2)))
    torch.testing.assert_close(kept, network(points).detach(), rtol=0, atol=3e-5)
    spec = SignalSpec("image", (9, 7), 3, "uint8", 0.0, 255.0, "png", 8)
    assert isinstance(choose_evaluator(network, spec), TileEvaluator)
    odd = random_network(NetworkSize(2, 19, 3, 3))
    assert isinstance(choose_evaluator(odd, spec), FloatEvaluator)
