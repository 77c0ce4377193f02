from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.networks.network import Network
from sinefit.networks.sine import SINE, bias_name, weight_name
from sinefit.networks.size import NetworkSize
from sinefit.theory.output_spectra import (
    OVERSAMPLING,
    highest_frequency,
    layer_spectra,
    share_beyond,
    windowed_power,
)

from .making import drawn


@given(st.integers(8, 300), st.integers(0, 2**31))
def test_the_powers_sum_to_the_energy(points: int, seed: int) -> None:
    lines = np.random.default_rng(seed).normal(size=(3, points)) + 5.0
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(points) / points)  # Hann's
    mean = (lines * window).sum(axis=1, keepdims=True) / window.sum()
    energy = np.square((lines - mean) * window).sum(axis=1) / np.square(window).sum()
    np.testing.assert_allclose(windowed_power(lines).sum(axis=1), energy)


def test_a_wave_has_its_power_at_its_frequency() -> None:
    x = (np.arange(400) + 0.5) / 400 * 2 - 1
    wave = 3 * np.cos(50 * np.pi * x) + 7  # 50 turns of the line
    power = windowed_power(wave)
    assert power[49:52].sum() == pytest.approx(4.5, rel=1e-6)
    assert power.sum() == pytest.approx(4.5, rel=1e-6)
    assert share_beyond(wave, 2.0, 40 * np.pi) == pytest.approx(1.0)
    assert share_beyond(wave, 2.0, 60 * np.pi) == pytest.approx(0.0, abs=1e-9)
    assert share_beyond(np.full(16, 2.0), 2.0, 1.0) == 0.0


def two_layer(first: float, second: float) -> Network:
    """sin(second sin(first x)), all weights of one neuron."""
    size = NetworkSize(1, 1, 2, 1)
    values = {
        weight_name(0): first,
        weight_name(1): second,
        weight_name(2): 1.0,
        **{bias_name(layer): 0.0 for layer in range(3)},
    }
    shapes = SINE.shapes(size)
    return Network.of(
        SINE, size, {name: torch.full((1, *shapes[name]), value) for name, value in values.items()}
    )


def test_harmonics_are_found_where_they_are() -> None:
    # sin(a sin t) has the amplitude 2 J_k(a) at odd k.
    from scipy.special import jv

    network = two_layer(20 * math.pi, 2.0)
    spectra = layer_spectra(network, 0, nyquist=128 * math.pi)
    after_one, after_two = spectra[1], spectra[2]
    assert highest_frequency(network, 0) == pytest.approx(20 * math.pi)
    # The second layer's pre-activations are a sine alone, of 1 sine layer; then come harmonics.
    power = {k: 2 * jv(k, 2.0) ** 2 for k in (1, 3, 5, 7, 9)}
    middles = np.asarray(after_two.frequencies)
    for k, expected in power.items():
        near = np.abs(middles - k * 20 * math.pi) < 6 * math.pi
        assert np.asarray(after_two.power)[near].sum() == pytest.approx(expected, rel=1e-4)
    assert sum(after_one.power) == pytest.approx(2.0, rel=1e-4)  # of 2 sin t
    beyond = sum(value for k, value in power.items() if k > 6) / sum(power.values())
    assert after_two.beyond_nyquist == pytest.approx(beyond, rel=1e-3)


@pytest.mark.parametrize("axes", [1, 2])
def test_what_the_first_layer_draws_bounds_what_it_makes(axes: int) -> None:
    network = drawn("siren:bias=plain", omega=60.0, axes=axes)
    for axis in range(axes):
        assert 0.9 * 60 / axes < highest_frequency(network, axis) <= 60 / axes
        spectra = layer_spectra(network, axis, nyquist=400.0)
        assert [spectrum.layer for spectrum in spectra] == [0, 1, 2, 3, 4]
        # After one sine there is nothing above but what the window spreads.
        assert spectra[1].beyond_nyquist < 1e-6
        assert spectra[1].beyond_first < 0.2
        assert spectra[1].beyond_first < spectra[2].beyond_first < spectra[3].beyond_first
        assert spectra[1].frequencies[-1] == pytest.approx(OVERSAMPLING * 400.0, rel=0.01)


def test_a_long_signal_is_seen_in_a_stretch() -> None:
    network = two_layer(math.pi * 20_000, 0.01)
    spectrum = layer_spectra(network, 0, nyquist=math.pi * 50_000)[2]
    loudest = spectrum.frequencies[int(np.argmax(spectrum.power))]
    assert loudest == pytest.approx(math.pi * 20_000, rel=0.05)
