from __future__ import annotations

import pytest
import torch

from sinefit.networks.size import NetworkSize
from sinefit.rendering.evaluator import PIECE, Evaluator

from .making import random_network


@pytest.mark.parametrize(
    "size", [NetworkSize(1, 1, 1, 1), NetworkSize(2, 19, 4, 3), NetworkSize(3, 16, 2, 4)]
)
def test_it_is_the_network_s_forward_pass(size: NetworkSize) -> None:
    network = random_network(size)
    evaluator = Evaluator(network)
    assert evaluator.piece == PIECE
    for count in (1, 7, 300):
        points = torch.rand((count, size.in_features)) * 2 - 1
        torch.testing.assert_close(evaluator(points), network(points).detach())


def test_results_survive_the_next_call() -> None:
    network = random_network(NetworkSize(2, 8, 3, 1))
    evaluator = Evaluator(network)
    first, second = torch.rand((5, 2)), torch.rand((5, 2))
    kept = evaluator(first)
    evaluator(second)
    torch.testing.assert_close(kept, network(first).detach())


def test_it_needs_no_gradient_and_follows_the_weights() -> None:
    network = random_network(NetworkSize(1, 4, 2, 1))
    evaluator = Evaluator(network)
    points = torch.rand((3, 1))
    assert not evaluator(points).requires_grad
    with torch.no_grad():
        network.weights[1].mul_(0.5)
    torch.testing.assert_close(evaluator(points), network(points).detach())
