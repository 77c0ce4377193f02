from __future__ import annotations

import torch

from sinefit.networks.draws import normal, uniform, zeros


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
