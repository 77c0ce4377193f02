from __future__ import annotations

import pytest
import torch

from sinefit.networks.draws import gamma, normal, uniform, zeros


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


@pytest.mark.parametrize("concentration", [0.3, 1.0, 2.5])
def test_gamma_has_its_mean_and_variance(concentration: float) -> None:
    values = gamma((40_000,), concentration, generator())
    assert float(values.min()) >= 0.0
    # The fourth moment of the flattest of them makes the variance of so many uncertain by 3 %.
    assert float(values.mean()) == pytest.approx(concentration, rel=0.04)
    assert float(values.var()) == pytest.approx(concentration, rel=0.12)
    assert torch.equal(values, gamma((40_000,), concentration, generator()))
