from __future__ import annotations

import math

import pytest
import torch

from sinefit.fitting.keeping import ASTRAY, BestWeights
from sinefit.networks.network import Network
from sinefit.networks.size import NetworkSize

from .making import random_network

SIZE = NetworkSize(2, 5, 2, 1)


def stack(seed: int) -> Network:
    return Network.stack([random_network(SIZE, 10 * seed + member) for member in range(3)])


def test_each_member_keeps_the_weights_of_its_lowest_loss() -> None:
    weights = [stack(seed) for seed in range(4)]
    losses = torch.tensor([[3.0, 1.0, 5.0], [2.0, 2.0, 4.0], [2.5, 0.5, 6.0]])
    best = BestWeights(weights[0], math.inf)
    for network, each in zip(weights[1:], losses, strict=True):
        best.keep(network, each)
    lowest = losses.argmin(dim=0)
    for member, number in enumerate(lowest.tolist()):
        assert torch.equal(best.network.values[member], weights[number + 1].values[member])
    assert torch.equal(best.losses, losses.min(dim=0).values)
    # What was handed in may change later.
    kept = best.network.values.clone()
    weights[2].values.zero_()
    assert torch.equal(best.network.values, kept)


def test_weights_are_only_kept_below_the_loss_that_they_began_with() -> None:
    first, second = stack(0), stack(1)
    best = BestWeights(first, 1.0)
    best.keep(second, torch.tensor([0.5, 1.0, 2.0]))
    assert torch.equal(best.network.values[0], second.values[0])
    assert torch.equal(best.network.values[1:], first.values[1:])


@pytest.mark.parametrize("loss", [1e300, math.inf])
def test_a_loss_that_float32_cannot_hold_is_undercut_by_any(loss: float) -> None:
    best = BestWeights(stack(0), loss)
    assert not bool(best.keep(stack(1), torch.full((3,), 3e38)).any())
    assert torch.equal(best.network.values, stack(1).values)


@pytest.mark.parametrize("spoilt", [math.nan, math.inf])
def test_weights_that_are_no_numbers_are_never_kept(spoilt: float) -> None:
    best, network = BestWeights(stack(0), math.inf), stack(1)
    network.values[1, 7] = spoilt
    astray = best.keep(network, torch.tensor([1.0, 1.0, spoilt]))
    assert astray.tolist() == [False, True, True]
    assert torch.equal(best.network.values[1:], stack(0).values[1:])
    whole = best.whole(network)
    assert torch.equal(whole.values[1], best.network.values[1])
    assert torch.equal(whole.values[[0, 2]], network.values[[0, 2]])
    assert not bool(network.values.isfinite().all())


def test_a_member_is_astray_far_above_its_own_best() -> None:
    best = BestWeights(stack(0), math.inf)
    assert not bool(best.keep(stack(1), torch.tensor([1.0, 0.1, 10.0])).any())
    astray = best.keep(stack(2), torch.tensor([0.9 * ASTRAY, 0.2 * ASTRAY, 10.0]))
    assert astray.tolist() == [False, True, False]


def test_what_is_kept_can_be_put_back() -> None:
    best = BestWeights(stack(0), math.inf)
    best.keep(stack(1), torch.tensor([1.0, 2.0, 3.0]))
    state = {name: tensor.clone() for name, tensor in best.state().items()}
    best.keep(stack(2), torch.tensor([0.1, 0.1, 0.1]))
    again = BestWeights(stack(3), 0.0)
    again.restore(state)
    assert torch.equal(again.network.values, stack(1).values)
    assert again.losses.tolist() == [1.0, 2.0, 3.0]
    for name in state:
        with pytest.raises(ValueError, match="do not fit"):
            again.restore({**state, name: state[name][:1]})
        with pytest.raises(KeyError):
            again.restore({kept: state[kept] for kept in state if kept != name})
