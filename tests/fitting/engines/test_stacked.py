from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.fitting.engines import AutogradEngine
from sinefit.fitting.engines.stacked import StackedEngine
from sinefit.fitting.objective import MeanSquaredError
from sinefit.fitting.stack import Stack
from sinefit.networks.size import NetworkSize

from ..making import random_network
from .batches import SIZES, draw_batch, gradients, relative_error

if TYPE_CHECKING:
    from sinefit.networks.sine import SineNetwork

pytestmark = pytest.mark.processor


FITS = 3
SIZE = NetworkSize(2, 24, 3, 2)


def stack_of(size: NetworkSize) -> Stack:
    return Stack([random_network(size, seed) for seed in range(FITS)])


def draw_batches(size: NetworkSize, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = [draw_batch(size, batch, seed) for seed in range(FITS)]
    return torch.stack([part[0] for part in drawn]), torch.stack([part[1] for part in drawn])


def rows_of(stack: Stack, number: int) -> list[torch.Tensor]:
    """The gradients of a network of the stack, in the order of its parameters."""
    weights = [gradient[number] for gradient in stack.weight_gradients]
    return weights + [gradient[number, 0] for gradient in stack.bias_gradients]


def reference(network: SineNetwork, batch: tuple[torch.Tensor, torch.Tensor]) -> float:
    return float(AutogradEngine(network, MeanSquaredError()).step(*batch))


@pytest.mark.parametrize(("size", "batch"), SIZES)
def test_the_gradients_are_the_reference_s(size: NetworkSize, batch: int) -> None:
    stack = stack_of(size)
    coordinates, targets = draw_batches(size, batch)
    losses = StackedEngine(stack, batch).step(coordinates, targets)
    assert losses.shape == (FITS,)
    for number in range(FITS):
        twin = random_network(size, number)
        expected = reference(twin, (coordinates[number], targets[number]))
        assert float(losses[number]) == pytest.approx(expected, rel=1e-6)
        for mine, theirs in zip(rows_of(stack, number), gradients(twin), strict=True):
            assert relative_error(mine, theirs) < 1e-5


@pytest.mark.parametrize("piece", [1, 7, 39, 64])
def test_pieces_add_up_to_the_batch(piece: int) -> None:
    stack = stack_of(SIZE)
    coordinates, targets = draw_batches(SIZE, 39)
    engine = StackedEngine(stack, piece)
    for _ in range(2):  # the second step must not add to the gradient of the first
        losses = engine.step(coordinates, targets)
    for number in range(FITS):
        twin = random_network(SIZE, number)
        expected = reference(twin, (coordinates[number], targets[number]))
        assert float(losses[number]) == pytest.approx(expected, rel=1e-6)
        for mine, theirs in zip(rows_of(stack, number), gradients(twin), strict=True):
            assert relative_error(mine, theirs) < 1e-5


def test_every_step_sees_the_present_weights() -> None:
    stack = stack_of(SIZE)
    engine = StackedEngine(stack, 40)
    batches = draw_batches(SIZE, 40)
    engine.step(*batches)
    first = stack.gradient.clone()
    kept = stack.values.clone()
    stack.values.sub_(0.1 * first)
    engine.step(*batches)
    assert not torch.equal(stack.gradient, first)
    stack.values.copy_(kept)
    engine.step(*batches)
    assert torch.equal(stack.gradient, first)


@pytest.mark.parametrize("spoilt", [torch.nan, torch.inf])
def test_a_network_that_is_spoilt_leaves_the_others_alone(spoilt: float) -> None:
    sound, other = stack_of(SIZE), stack_of(SIZE)
    batches = draw_batches(SIZE, 40)
    expected = StackedEngine(sound, 40).step(*batches)
    other.values[1] = spoilt
    losses = StackedEngine(other, 40).step(*batches)
    assert not bool(losses[1].isfinite())
    for number in (0, 2):
        assert losses[number] == expected[number]
        assert torch.equal(other.gradient[number], sound.gradient[number])
