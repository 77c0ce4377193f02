from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sinefit.engines.objective import Batch
from sinefit.engines.reference import REFERENCE, ReferenceEngine
from sinefit.networks.bacon import Bacon
from sinefit.networks.fourier_features import FourierFeatures
from sinefit.networks.network import Network
from sinefit.networks.registry import FAMILIES
from sinefit.networks.size import NetworkSize

from .making import (
    OBJECTIVE,
    PARABOLAS,
    SIZES,
    bfloat16_allowed,
    draw_batch,
    exact,
    random_network,
    work_of,
    worst_error,
)

if TYPE_CHECKING:
    from sinefit.networks.family import Family

pytestmark = pytest.mark.processor


@pytest.mark.parametrize("points", [1, 3])
@pytest.mark.parametrize(("size", "targets"), SIZES)
def test_against_finite_differences(size: NetworkSize, targets: int, points: int) -> None:
    drawn = random_network(size, 2)
    network = Network(drawn.family, size, drawn.values.double())
    batch = draw_batch(size, targets, 2, points)
    batch = Batch(batch.coordinates.double(), batch.targets.double(), points)
    engine = ReferenceEngine(network, OBJECTIVE)
    engine.step(batch)

    def losses() -> torch.Tensor:
        means = network(batch.coordinates).reshape(2, targets, points, -1).mean(dim=2)
        errors: torch.Tensor = (means - batch.targets).square()
        return errors.mean(dim=(1, 2))

    step, count = 1e-5, network.values.shape[1]
    for index in np.random.default_rng(0).integers(0, count, 12):
        network.values[:, index] += step
        above = losses()
        network.values[:, index] -= 2 * step
        below = losses()
        network.values[:, index] += step
        torch.testing.assert_close(
            (above - below) / (2 * step), engine.gradient[:, index], rtol=1e-4, atol=1e-8
        )


def test_a_caller_s_bfloat16_does_not_reach_it() -> None:
    size = NetworkSize(2, 64, 3, 3)
    network, batch = random_network(size, 2), draw_batch(size, 200, 2)
    losses, gradient = exact(network, batch)
    engine = ReferenceEngine(network, OBJECTIVE)
    with bfloat16_allowed():
        found = engine.step(batch)
    torch.testing.assert_close(found.double(), losses, rtol=1e-5, atol=0)
    assert worst_error(network, engine.gradient, gradient) < 1e-5


def test_it_serves_another_family() -> None:
    size = NetworkSize(2, 1, 1, 3)
    network, batch = random_network(size, 2, family=PARABOLAS), draw_batch(size, 9, 2, 2)
    engine = ReferenceEngine(network, OBJECTIVE)
    engine.step(batch)
    # A mean of squares: the gradient by b is twice the mean difference over the channels.
    means = network(batch.coordinates).reshape(2, 9, 2, 3).mean(dim=2)
    expected = 2 * (means - batch.targets).mean(dim=1) / 3
    torch.testing.assert_close(network.views(engine.gradient)["b"], expected)


def test_the_values_are_left_alone() -> None:
    size = NetworkSize(2, 24, 3, 2)
    network = random_network(size)
    before = network.values.clone()
    losses = ReferenceEngine(network, OBJECTIVE).step(draw_batch(size, 40))
    assert losses.shape == (1,)
    assert not losses.requires_grad
    assert torch.equal(network.values, before)
    assert not network.values.requires_grad


def test_parts_of_a_batch_add_up() -> None:
    size = NetworkSize(2, 24, 3, 2)
    network, batch = random_network(size, 2), draw_batch(size, 50, 2, 3)
    whole, parted = ReferenceEngine(network, OBJECTIVE), ReferenceEngine(network, OBJECTIVE, 7)
    torch.testing.assert_close(parted.step(batch), whole.step(batch))
    torch.testing.assert_close(parted.gradient, whole.gradient)


def test_all_outputs_of_a_family_are_held_against_the_targets() -> None:
    """The gradient is that of their sum, the loss that of the last."""
    size = NetworkSize(2, 9, 3, 2)
    network = random_network(size, 2, family=Bacon())
    batch = draw_batch(size, 40, 2)
    engine = ReferenceEngine(network, OBJECTIVE)
    losses = engine.step(batch)
    values = network.values.detach().requires_grad_()
    found = network.family.outputs(network.views(values), batch.coordinates)
    errors = [(one - batch.targets).square().mean(dim=(1, 2)) for one in found]
    assert len(errors) == 2
    torch.testing.assert_close(losses, errors[1].detach())
    (gradient,) = torch.autograd.grad((errors[0] + errors[1]).sum(), values)
    torch.testing.assert_close(engine.gradient, gradient)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_its_memory_covers_what_autograd_keeps(family: Family) -> None:
    size = NetworkSize(2, 48, 3, 2)
    network = random_network(size, 2, family=family)
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        ReferenceEngine(network, OBJECTIVE).step(draw_batch(size, 200, 2))
    memory = REFERENCE.memory(work_of(network, 200))
    # Features of the coordinates, which are no neurons, come on top of a narrow network.
    features = 512 if isinstance(family, FourierFeatures) else 0
    assert memory / 2.2 < sum(kept.values()) < memory + 4 * 2 * 200 * features * 2
