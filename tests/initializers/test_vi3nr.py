from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sinefit.initializers import SignalTraits
from sinefit.initializers.vi3nr import Vi3nr, mean_square_sine
from sinefit.networks.size import NetworkSize
from sinefit.theory.layer_statistics import measure_layers


@pytest.mark.parametrize("variance", [1e-6, 0.1, 1.0, 4.0])
def test_mean_square_sine_is_the_gaussian_integral(variance: float) -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    integral = np.sum(weights * np.sin(math.sqrt(variance) * nodes) ** 2) / math.sqrt(2 * math.pi)
    assert mean_square_sine(variance) == pytest.approx(float(integral), rel=1e-9)


@pytest.mark.parametrize("mean_square", [1.0 / 3.0, 2.0])
def test_with_omega_1_every_layer_has_the_wanted_variance(mean_square: float) -> None:
    # On a circle the first pre-activations are normal with one variance, as the paper assumes.
    angles = torch.arange(256) * (2 * math.pi / 256)
    x = torch.stack([angles.cos(), angles.sin()], dim=1) * math.sqrt(2 * mean_square)
    generator = torch.Generator().manual_seed(5)
    traits = SignalTraits((64, 64), 1, mean_square_coordinate=mean_square)
    start = Vi3nr(s=0.8).draw(NetworkSize(2, 1024, 4, 64), (1.0, 1.0), traits, generator)
    statistics = measure_layers(start, x)
    # A smooth start has few independent samples; one sample has a standard error of 4 %.
    for layer in statistics[:-1]:
        assert layer.variance == pytest.approx(0.64, rel=0.12)


def test_a_loud_first_layer_leaves_the_next_ones_at_the_wanted_variance() -> None:
    generator = torch.Generator().manual_seed(6)
    traits = SignalTraits((64, 64), 1)
    start = Vi3nr().draw(NetworkSize(2, 1024, 4, 64), (60.0, 90.0), traits, generator)
    x = torch.rand((1024, 2), generator=generator) * 2 - 1
    first, *others = measure_layers(start, x)
    assert first.variance == pytest.approx((60.0**2 + 90.0**2) / 2, rel=0.15)
    for statistics in others[:-1]:
        assert statistics.variance == pytest.approx(1.0, rel=0.03)
