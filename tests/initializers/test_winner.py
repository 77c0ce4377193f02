from __future__ import annotations

import math

import pytest
import torch

from sinefit.initializers import SignalTraits
from sinefit.initializers.siren import Siren
from sinefit.initializers.winner import Winner, noise_scales
from sinefit.networks.size import NetworkSize


def test_noise_of_an_image() -> None:
    traits = SignalTraits((64, 64), 3, "image", spectral_centroid=0.12)
    assert noise_scales(traits) == pytest.approx((50 * (1 - math.exp(-0.2)), 0.016))


def test_noise_of_a_sound() -> None:
    traits = SignalTraits((4096,), 2, "audio", spectral_centroid=0.2)
    assert noise_scales(traits) == pytest.approx((3500 * (1 - math.exp(-0.7)), 0.3))


@pytest.mark.parametrize("kind", ["video", "array"])
def test_other_kinds_follow_images(kind: str) -> None:
    image = SignalTraits((8, 64, 64), 1, "image", spectral_centroid=0.3)
    other = SignalTraits((8, 64, 64), 1, kind, spectral_centroid=0.3)
    assert noise_scales(other) == noise_scales(image)


def test_the_noise_is_added_to_the_first_two_layers_of_siren() -> None:
    size = NetworkSize(2, 256, 4, 3)
    traits = SignalTraits((64, 64), 1, "image", spectral_centroid=0.25)
    omega = (30.0, 30.0)
    winner = Winner().draw(size, omega, traits, torch.Generator().manual_seed(1))
    siren = Siren().draw(size, omega, traits, torch.Generator().manual_seed(1))
    first, second = 50 * (1 - math.exp(-1.25)), 0.1
    expected = (15.0**2 / 3 + first**2, 2.0 / 256 + second**2)
    for layer, variance in enumerate(expected):
        values = winner.weights[layer].double()
        # The fourth moment of a sum with a uniform part is below that of a normal.
        tolerance = 5 * math.sqrt(2.0 / values.numel())
        assert float(values.square().mean()) == pytest.approx(variance, rel=tolerance)
        difference = (values - siren.weights[layer].double()).flatten()
        assert float(difference.abs().max()) > 2.5 * math.sqrt(variance) / 2
    for layer in (2, 3, 4):
        assert float(winner.weights[layer].abs().max()) == pytest.approx(
            float(siren.weights[layer].abs().max()), rel=0.02
        )
    assert winner.rules == siren.rules
    assert winner.rules.learning_rate_scales == pytest.approx((30.0, 30.0, 30.0, 30.0, 1.0))


def test_a_silent_spectrum_gives_siren() -> None:
    size = NetworkSize(1, 16, 2, 1)
    traits = SignalTraits((64,), 1, "audio", spectral_centroid=0.0)
    winner = Winner().draw(size, (30.0,), traits, torch.Generator().manual_seed(1))
    siren = Siren().draw(size, (30.0,), traits, torch.Generator().manual_seed(1))
    for mine, theirs in zip(winner.weights, siren.weights, strict=True):
        assert torch.equal(mine, theirs)


def test_omega_is_that_of_the_paper_by_default() -> None:
    assert Winner().omega_for(500.0, NetworkSize(2, 256, 3, 3)) == 30.0
