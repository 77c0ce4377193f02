from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.native import adam
from sinefit.native.instruction_sets import FLOAT32_SETS, instruction_sets

if TYPE_CHECKING:
    from sinefit.native.instruction_sets import InstructionSet

pytestmark = [
    pytest.mark.processor,
    pytest.mark.skipif(not instruction_sets(), reason="there is no compiled part"),
]

SETS = [one for one in instruction_sets() if one in FLOAT32_SETS]
CONSTANTS = (0.9, 0.99, 1e-12)


@pytest.mark.parametrize("instructions", SETS)
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("count", [1, 15, 16, 100])
@pytest.mark.parametrize("is_bounded", [False, True])
def test_against_the_formula_in_float64(
    instructions: InstructionSet, members: int, count: int, is_bounded: bool
) -> None:
    generator = torch.Generator().manual_seed(0)

    def draw() -> torch.Tensor:
        return torch.randn((members, count), generator=generator)

    values, gradient, rates = draw(), draw(), draw().abs()
    averages = (draw(), draw().abs())
    bounds = draw().abs() if is_bounded else None
    pace = torch.rand((2, members, 1), generator=generator)
    mean, square = (average.double() for average in averages)
    mean = 0.9 * mean + 0.1 * gradient.double()
    square = 0.99 * square + 0.01 * gradient.double() ** 2
    moved = rates.double() * pace[0] * mean / (square.sqrt() * pace[1] + CONSTANTS[2])
    expected = values.double() - moved
    if bounds is not None:
        expected = expected.clamp(-bounds.double(), bounds.double())
    adam.update(values, gradient, averages, rates, bounds, pace, CONSTANTS, instructions)
    torch.testing.assert_close(averages[0].double(), mean, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(averages[1].double(), square, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(values.double(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("instructions", SETS)
def test_nothing_has_moved_without_a_gradient(instructions: InstructionSet) -> None:
    values, zeros = torch.ones(1, 20), torch.zeros(1, 20)
    averages = (torch.zeros(1, 20), torch.zeros(1, 20))
    bounds = torch.full((1, 20), math.inf)
    pace = torch.ones(2, 1, 1)
    adam.update(values, zeros, averages, values.clone(), bounds, pace, CONSTANTS, instructions)
    assert torch.equal(values, torch.ones(1, 20))


def test_tensors_of_another_kind_are_refused() -> None:
    row, pace = torch.ones(2, 20), torch.ones(2, 2, 1)
    with pytest.raises(ValueError, match="contiguous"):
        adam.update(row, row.double(), (row, row), row, None, pace, CONSTANTS)
    with pytest.raises(ValueError, match="contiguous"):
        adam.update(row, row, (row, row), row[:1], None, pace, CONSTANTS)
