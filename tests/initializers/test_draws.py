from __future__ import annotations

import torch

from sinefit.initializers.draws import normal, per_axis, uniform, zeros


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(9)


def test_draws_are_float32_and_come_from_the_generator_alone() -> None:
    for draw in (uniform, normal):
        values = draw((3, 4), 2.0, generator())
        assert values.dtype == torch.float32
        assert values.shape == (3, 4)
        torch.manual_seed(1)
        assert torch.equal(values, draw((3, 4), 2.0, generator()))


def test_uniform_fills_its_bounds_on_both_sides() -> None:
    values = uniform((100_000,), 3.0, generator())
    assert -3.0 <= float(values.min()) < -2.99
    assert 2.99 < float(values.max()) <= 3.0


def test_a_deviation_of_zero_gives_zeros() -> None:
    assert torch.equal(normal((5,), 0.0, generator()), torch.zeros(5))
    assert torch.equal(zeros((2, 3)), torch.zeros(2, 3))


def test_factors_scale_columns() -> None:
    scaled = torch.ones(4, 2) * per_axis((2.0, 3.0))
    assert torch.equal(scaled, torch.tensor([[2.0, 3.0]]).expand(4, 2))
