"""Derivatives of networks as what meets the targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.engines.derived import DerivedOutputs
from sinefit.engines.engine import Work
from sinefit.engines.objective import Batch, MeanSquaredError
from sinefit.engines.reference import REFERENCE
from sinefit.engines.registry import choose_engine
from sinefit.networks.network import Network
from sinefit.networks.registry import parse_network
from sinefit.networks.sine import SINE
from sinefit.networks.size import NetworkSize

if TYPE_CHECKING:
    from sinefit.engines.derived import Quantity

SIZE = NetworkSize(2, 8, 3, 2)
PER_SAMPLE = (0.25, 0.125)


def network(members: int = 1) -> Network:
    generator = torch.Generator().manual_seed(0)
    count = SINE.parameter_count(SIZE)
    return Network(SINE, SIZE, torch.randn((members, count), generator=generator) * 0.5)


def work(outputs: DerivedOutputs, members: int = 1, targets: int = 5) -> Work:
    return Work(
        SINE,
        SIZE,
        members,
        targets,
        1,
        MeanSquaredError(),
        torch.device("cpu"),
        1,
        outputs=outputs,
    )


def points(members: int = 1) -> torch.Tensor:
    return torch.rand((members, 11, 2), generator=torch.Generator().manual_seed(1)) * 2 - 1


def by_autograd(one: Network, coordinates: torch.Tensor, quantity: Quantity) -> torch.Tensor:
    """Return derivatives per sample by two passes backwards, of each channel alone."""
    coordinates = coordinates.clone().requires_grad_()
    values = SINE.forward(one.parameters, coordinates)
    columns = []
    steps = torch.tensor(PER_SAMPLE)
    for channel in range(SIZE.out_features):
        total = values[..., channel].sum()
        (slopes,) = torch.autograd.grad(total, coordinates, create_graph=True)
        if quantity == "gradient":
            columns.append(slopes * steps)
            continue
        bends = [
            torch.autograd.grad(slopes[..., axis].sum(), coordinates, retain_graph=True)[0][
                ..., axis
            ]
            for axis in range(2)
        ]
        columns.append((torch.stack(bends, dim=-1) * steps**2).sum(dim=-1, keepdim=True))
    found = torch.stack(columns, dim=-1)  # (members, count, axes or 1, channels)
    return found.flatten(2).detach()


@pytest.mark.parametrize("quantity", ["gradient", "laplacian"])
def test_they_are_those_of_autograd(quantity: Quantity) -> None:
    one = network(members=2)
    outputs = DerivedOutputs(quantity, PER_SAMPLE, 3.0, with_values=True)
    found = outputs(SINE, one.parameters, points(2))
    values = SINE.forward(one.parameters, points(2))
    torch.testing.assert_close(found[..., :2], values)
    expected = 3.0 * by_autograd(one, points(2), quantity)
    torch.testing.assert_close(found[..., 2:], expected, rtol=1e-4, atol=1e-5)
    alone = DerivedOutputs(quantity, PER_SAMPLE, 3.0, with_values=False)
    torch.testing.assert_close(alone(SINE, one.parameters, points(2)), found[..., 2:])


@pytest.mark.parametrize("quantity", ["gradient", "laplacian"])
def test_any_family_has_them_as_sine_networks_do(quantity: Quantity) -> None:
    """Against finite differences in float64."""
    family = parse_network("gauss")
    generator = torch.Generator().manual_seed(0)
    count = family.parameter_count(SIZE)
    one = Network(family, SIZE, torch.randn((1, count), generator=generator) * 0.3)
    outputs = DerivedOutputs(quantity, PER_SAMPLE, 1.0, with_values=False)
    step = 3e-5
    exact = Network(family, SIZE, one.values.double())
    middle = points().double()

    def at(axis: int, side: float) -> torch.Tensor:
        moved = middle.clone()
        moved[..., axis] += side * step
        return family.forward(exact.parameters, moved)

    if quantity == "gradient":
        parts = [(at(axis, 1) - at(axis, -1)) / (2 * step) * PER_SAMPLE[axis] for axis in range(2)]
        expected = torch.cat(parts, dim=-1)
    else:
        bends = [
            (at(axis, 1) - 2 * at(axis, 0) + at(axis, -1)) / step**2 * PER_SAMPLE[axis] ** 2
            for axis in range(2)
        ]
        expected = bends[0] + bends[1]
    found = outputs(family, exact.parameters, middle)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("quantity", ["gradient", "laplacian"])
def test_a_step_goes_down_the_loss_of_derivatives(quantity: Quantity) -> None:
    """The gradient by weights is that of finite differences of the loss, by parts too."""
    one = Network(SINE, SIZE, network().values.double())
    outputs = DerivedOutputs(quantity, PER_SAMPLE, 2.0, with_values=True)
    coordinates = points().double()
    targets = torch.zeros_like(outputs(SINE, one.parameters, coordinates))
    batch = Batch(coordinates, targets)
    engine = REFERENCE.make(one, work(outputs), "float64")
    (loss,) = engine.step(batch)
    along = torch.randn(one.values.shape, generator=torch.Generator().manual_seed(2)).double()

    def loss_at(step: float) -> float:
        moved = Network(SINE, SIZE, one.values + step * along)
        return float(outputs(SINE, moved.parameters, coordinates).square().mean())

    assert float(loss) == pytest.approx(loss_at(0.0))
    slope = (loss_at(1e-6) - loss_at(-1e-6)) / 2e-6
    assert float((engine.gradient * along).sum()) == pytest.approx(slope, rel=1e-5)


def test_engines_of_values_leave_them_to_the_reference() -> None:
    outputs = DerivedOutputs("gradient", PER_SAMPLE, 1.0, with_values=False)
    for members in (1, 40):
        assert choose_engine(work(outputs, members)) is REFERENCE
