from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.engines.jets import jet_of
from sinefit.engines.sine_jets import sine_jets
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize

if TYPE_CHECKING:
    from torch import Tensor


def network(depth: int = 3) -> Network:
    size = NetworkSize(3, 7, depth, 2)
    count = SINE.parameter_count(size)
    generator = torch.Generator().manual_seed(3)
    return Network(SINE, size, torch.randn((1, count), generator=generator, dtype=torch.float64))


def places() -> Tensor:
    generator = torch.Generator().manual_seed(4)
    return torch.randn((5, 3), generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("orders", [(2, 1, 2), (0, 2, 0), (1, 0, 0)])
def test_it_computes_what_forward_differentiation_does(orders: tuple[int, ...], depth: int) -> None:
    stack, points = network(depth), places()
    values, first, second = sine_jets(stack.parameters, points, orders)
    assert torch.allclose(values, stack(points[None])[0])
    assert set(first) == {axis for axis, order in enumerate(orders) if order}
    assert set(second) == {axis for axis, order in enumerate(orders) if order == 2}
    for axis in first:
        jet = jet_of(lambda there: stack(there[None])[0], points, axis, max(1, orders[axis]))
        assert torch.allclose(first[axis], jet[1])
        if axis in second:
            assert torch.allclose(second[axis], jet[2])


def test_autograd_agrees_on_the_gradient_of_both() -> None:
    """By the weights, of a sum of squares of everything: as a residual's loss is differentiated."""
    stack, points = network(), places()
    gradients = []
    for fast in (True, False):
        values = stack.values.clone().requires_grad_()
        views = stack.views(values)

        def at(there: Tensor, views: dict[str, Tensor] = views) -> Tensor:
            return SINE.forward(views, there[None])[0]

        if fast:
            found, first, second = sine_jets(views, points, (1, 2, 2))
            parts = [found, *first.values(), *second.values()]
        else:
            (_, time), jets = jet_of(at, points, 0, 1), [jet_of(at, points, n, 2) for n in (1, 2)]
            parts = [jets[0][0], time, *(jet[order] for order in (1, 2) for jet in jets)]
        total = torch.stack([part.square().sum() for part in parts]).sum()
        gradients.append(torch.autograd.grad(total, values)[0])
    assert torch.allclose(gradients[0], gradients[1])
