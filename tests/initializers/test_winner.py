from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sinefit.fitting.traits import signal_traits
from sinefit.initializers import SignalTraits
from sinefit.initializers.siren import Siren
from sinefit.initializers.winner import Winner, noise_scales
from sinefit.networks.size import NetworkSize
from sinefit.signals.array.reading import array_signal
from sinefit.signals.reading import read_signal

from .making import weights_of

SAMPLES = Path(__file__).parents[2] / "samples"


def noise_of(rows: np.ndarray) -> tuple[float, float, float]:
    """The authors' measure of rows (rows, channels, length), and noise scales by its definition.

    Frequencies go from 0 to 1, the Nyquist frequency; their mean, weighted by the magnitude of each
    row's transform, is averaged and divided by the number of channels twice.
    """
    length, channels = rows.shape[-1], rows.shape[1]
    # Sines and cosines of every frequency, summed as the transform is defined.
    number = np.arange(length // 2 + 1)
    turn = 2 * np.pi * (np.outer(number, np.arange(length)) % length) / length
    magnitude = np.hypot(rows @ np.cos(turn).T, rows @ np.sin(turn).T)
    share = (magnitude * number).sum(-1) / magnitude.sum(-1) * 2 / length
    x = share.mean() / channels / channels
    return x, 1 - math.exp(-5 * x), 1 - math.exp(-7 * x)


def test_the_noise_of_a_picture() -> None:
    with Image.open(SAMPLES / "lake.png") as picture:
        rows = np.asarray(picture, dtype=np.float64).transpose(0, 2, 1) / 127.5 - 1
    x, rise, _ = noise_of(rows)
    found = noise_scales(signal_traits(read_signal(SAMPLES / "lake.png")))
    assert found == pytest.approx((50 * rise, 0.4 * x), rel=1e-4)
    assert found == pytest.approx((5.65, 0.0096), rel=2e-3)


def test_the_noise_of_a_sound() -> None:
    found = noise_scales(signal_traits(read_signal(SAMPLES / "melody.wav")))
    assert found == pytest.approx((1620, 0.266), rel=2e-3)
    short = np.cumsum(np.random.default_rng(3).normal(size=(2, 600)), axis=1)
    short = 2 * (short - short.min()) / np.ptp(short) - 1  # as the network is to give it
    x, _, rise = noise_of(short[None])
    traits = signal_traits(array_signal(short.T, channels_last=True))
    assert noise_scales(traits) == pytest.approx((3500 * rise, 3 * x), rel=1e-4)


@pytest.mark.parametrize("shape", [(64, 64), (8, 64, 64)])
def test_several_coordinates_take_the_constants_of_images(shape: tuple[int, ...]) -> None:
    traits = SignalTraits(shape, 1, spectral_centroid=0.3)
    assert noise_scales(traits) == pytest.approx((50 * (1 - math.exp(-3)), 0.24))


def test_the_noise_is_added_to_the_first_two_layers_of_siren() -> None:
    size = NetworkSize(2, 256, 4, 3)
    traits = SignalTraits((64, 64), 1, spectral_centroid=0.25)
    omega = (30.0, 30.0)
    winner = Winner().draw(size, omega, traits, torch.Generator().manual_seed(1))
    siren = Siren().draw(size, omega, traits, torch.Generator().manual_seed(1))
    first, second = 50 * (1 - math.exp(-2.5)), 0.2
    expected = (15.0**2 / 3 + first**2, 2.0 / 256 + second**2)
    for layer, variance in enumerate(expected):
        values = weights_of(winner)[layer].double()
        # The fourth moment of a sum with a uniform part is below that of a normal.
        tolerance = 5 * math.sqrt(2.0 / values.numel())
        assert float(values.square().mean()) == pytest.approx(variance, rel=tolerance)
        difference = (values - weights_of(siren)[layer].double()).flatten()
        assert float(difference.abs().max()) > 2.5 * math.sqrt(variance) / 2
    for layer in (2, 3, 4):
        assert float(weights_of(winner)[layer].abs().max()) == pytest.approx(
            float(weights_of(siren)[layer].abs().max()), rel=0.02
        )
    mine, theirs = (one.rules(winner, omega) for one in (Winner(), Siren()))
    assert mine.rate_scales.keys() == theirs.rate_scales.keys()
    for name, scale in mine.rate_scales.items():
        np.testing.assert_array_equal(scale, theirs.rate_scales[name])
    assert (mine.frozen, mine.bounds) == (theirs.frozen, theirs.bounds) == (frozenset(), {})


def test_a_silent_spectrum_gives_siren() -> None:
    size = NetworkSize(1, 16, 2, 1)
    traits = SignalTraits((64,), 1, spectral_centroid=0.0)
    winner = Winner().draw(size, (30.0,), traits, torch.Generator().manual_seed(1))
    siren = Siren().draw(size, (30.0,), traits, torch.Generator().manual_seed(1))
    assert torch.equal(winner.values, siren.values)


def test_omega_is_that_of_the_paper_by_default() -> None:
    assert Winner().omega_for(500.0, NetworkSize(2, 256, 3, 3)) == 30.0
