from __future__ import annotations

import pytest
import torch

from sinefit.engines.evaluation import (
    EXACT_BITS,
    PIECE,
    CompiledEvaluator,
    FamilyEvaluator,
    SineEvaluator,
    choose_evaluator,
)
from sinefit.fitting.devices import cpu_threads
from sinefit.native import small_networks
from sinefit.native.instruction_sets import tiles_supported
from sinefit.networks.network import Network
from sinefit.networks.size import NetworkSize

from .making import PARABOLAS, ScarceMemory, bfloat16_allowed, random_network

pytestmark = pytest.mark.processor

TILED = NetworkSize(2, 64, 3, 3)
SIZES = [NetworkSize(1, 1, 1, 1), NetworkSize(2, 19, 4, 3), NetworkSize(3, 16, 2, 4)]


def draw_points(count: int, features: int, members: int = 1, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((members, count, features), generator=generator) * 2 - 1


def exact(network: Network, points: torch.Tensor) -> torch.Tensor:
    return Network(network.family, network.size, network.values.double())(points.double()).float()


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_the_network_s_forward_pass(size: NetworkSize, members: int) -> None:
    network = random_network(size, members)
    evaluator = SineEvaluator(network)
    assert evaluator.piece == PIECE
    for count in (1, 7, 300, PIECE):
        points = draw_points(count, size.in_features, members)
        torch.testing.assert_close(evaluator(points), exact(network, points), rtol=1e-5, atol=1e-5)


def test_another_family_is_evaluated_by_its_own_forward_pass() -> None:
    network = random_network(NetworkSize(2, 1, 1, 3), 2, family=PARABOLAS)
    evaluator = choose_evaluator(network, 8)
    assert isinstance(evaluator, FamilyEvaluator)
    points = draw_points(9, 2, 2)
    torch.testing.assert_close(evaluator(points), exact(network, points))


@pytest.mark.parametrize("make", [SineEvaluator, FamilyEvaluator])
def test_results_survive_the_next_call(make: type[SineEvaluator] | type[FamilyEvaluator]) -> None:
    network = random_network(NetworkSize(2, 8, 3, 1))
    evaluator = make(network)
    first, second = draw_points(5, 2), draw_points(5, 2, seed=1)
    kept = evaluator(first)
    evaluator(second)
    torch.testing.assert_close(kept, exact(network, first))


@pytest.mark.parametrize("make", [SineEvaluator, FamilyEvaluator])
def test_it_rounds_no_factors_whatever_the_caller_allows(
    make: type[SineEvaluator] | type[FamilyEvaluator],
) -> None:
    network, points = random_network(TILED), draw_points(300, 2)
    with bfloat16_allowed():
        outputs = make(network)(points)
    torch.testing.assert_close(outputs, exact(network, points), rtol=1e-5, atol=1e-5)


def test_it_needs_no_gradient_and_follows_the_weights() -> None:
    network = random_network(NetworkSize(1, 4, 2, 1))
    network.values.requires_grad_()
    evaluator = SineEvaluator(Network(network.family, network.size, network.values))
    points = draw_points(3, 1)
    assert not evaluator(points).requires_grad
    with torch.no_grad():
        network.values.mul_(0.5)
    torch.testing.assert_close(evaluator(points), exact(network, points).detach())


@pytest.mark.parametrize("bits", [8, 16, 24, 32, 64])
def test_the_evaluator_suits_the_samples(bits: int) -> None:
    network, points = random_network(TILED), draw_points(200, 2)
    error = (choose_evaluator(network, bits)(points) - exact(network, points)).abs().max()
    # Half a step of these samples over [-1, 1], or what float32 itself can do.
    assert error < max(2.0**-bits, 1e-6)


@pytest.mark.skipif(not tiles_supported(TILED.width), reason="this machine has no tile registers")
def test_tiles_where_they_serve() -> None:
    network, points = random_network(TILED, 2), draw_points(300, 2, 2)
    found = choose_evaluator(network, 8)(points)
    torch.testing.assert_close(found, exact(network, points), rtol=0, atol=3e-5)
    by_vectors = small_networks.evaluate(TILED, network.values, points, threads=1)
    assert not torch.equal(found, by_vectors)
    torch.testing.assert_close(by_vectors, exact(network, points), rtol=0, atol=3e-6)


@pytest.mark.skipif(not small_networks.supported(), reason="no compiled part")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("threads", [1, 2])
def test_small_networks_in_c(size: NetworkSize, threads: int) -> None:
    network = random_network(size, 4)
    evaluator = CompiledEvaluator(network)
    with cpu_threads(threads):
        for members in (None, [2], [3, 0], [1, 1, 2]):
            chosen = network.values if members is None else network.values[members]
            stack = Network(network.family, size, chosen)
            for count in (1, 2, 7, 301):
                points = draw_points(count, size.in_features, len(chosen))
                values = evaluator(points, members)
                torch.testing.assert_close(values, exact(stack, points), rtol=1e-5, atol=1e-5)
    assert isinstance(choose_evaluator(network, 16), CompiledEvaluator)
    assert isinstance(choose_evaluator(network, 24), SineEvaluator)


def test_without_room_for_a_piece_it_takes_smaller_ones() -> None:
    network = random_network(NetworkSize(2, 8, 2, 1))
    with ScarceMemory(2 * 8 * 1100):
        evaluator = SineEvaluator(network)
        assert evaluator.piece == 1024
        points = draw_points(1024, 2)
    torch.testing.assert_close(evaluator(points), exact(network, points), rtol=1e-5, atol=1e-5)
    with ScarceMemory(7), pytest.raises(torch.OutOfMemoryError):
        SineEvaluator(network)


@pytest.mark.parametrize("make", [SineEvaluator, FamilyEvaluator])
@pytest.mark.parametrize("members", [[0], [3], [1, 2, 3], [3, 0], [2, 2]])
def test_members_are_evaluated_by_number(
    make: type[SineEvaluator] | type[FamilyEvaluator], members: list[int]
) -> None:
    network = random_network(NetworkSize(2, 19, 3, 3), 4)
    points = draw_points(30, 2, len(members))
    chosen = Network(network.family, network.size, network.values[torch.tensor(members)])
    values = make(network)(points, members)
    torch.testing.assert_close(values, exact(chosen, points), rtol=1e-5, atol=1e-5)


def test_by_member_there_is_room_for_one_member_at_a_time() -> None:
    network = random_network(NetworkSize(2, 4, 2, 1), 50)
    with ScarceMemory(2 * PIECE * 4):
        evaluator = choose_evaluator(network, EXACT_BITS, by_member=True)
        assert evaluator.piece == PIECE
        evaluator(draw_points(PIECE // 5, 2, 5), range(7, 12))
