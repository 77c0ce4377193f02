from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.theory.fourier_modes import captured_shares, nearest_modes


def centres(count: int) -> np.ndarray:
    places: np.ndarray = (np.arange(count) + 0.5) / count * 2 - 1
    return places


@given(st.integers(0, 400), st.floats(-3, 3))
def test_a_wave_is_its_own_mode(step: int, phase: float) -> None:
    frequency = step * math.pi / 16
    wave = np.cos(frequency * centres(64) + phase)
    if np.abs(wave).max() < 1e-3:  # a phase at which nothing is left
        return
    (mode,) = nearest_modes(wave[:, None], (64,))
    assert mode.share == pytest.approx(1.0, abs=1e-9)
    fitted = np.stack(
        [np.cos(mode.frequency[0] * centres(64)), np.sin(mode.frequency[0] * centres(64))]
    )
    left = wave - np.linalg.lstsq(fitted.T, wave, rcond=None)[0] @ fitted
    assert np.abs(left).max() < 1e-6


def test_two_waves_share_the_energy() -> None:
    x = centres(256)
    both = 2 * np.sin(10 * math.pi * x) + np.cos(30 * math.pi * x)
    (mode,) = nearest_modes(both[:, None], (256,))
    assert mode.frequency == pytest.approx((10 * math.pi,))
    assert mode.share == pytest.approx(0.8, abs=1e-3)


@pytest.mark.parametrize("frequency", [(3, 0), (0, 5), (4, 7), (4, -7), (0, 0)])
def test_on_two_axes(frequency: tuple[int, int]) -> None:
    first, second = (math.pi * each for each in frequency)
    wave = np.cos(first * centres(20)[:, None] + second * centres(24)[None] + 0.4)
    (mode,) = nearest_modes(wave.reshape(-1, 1), (20, 24))
    assert mode.share == pytest.approx(1.0)
    sign = 1 if mode.frequency[0] * first + mode.frequency[1] * second >= 0 else -1
    assert mode.frequency == pytest.approx((sign * first, sign * second))


def test_nothing_has_no_mode_and_no_share() -> None:
    assert nearest_modes(np.zeros((8, 1)), (8,))[0].share == 0.0


def test_shares_of_a_basis_rise_to_one() -> None:
    generator = np.random.default_rng(0)
    basis, _ = np.linalg.qr(generator.normal(size=(30, 30)))
    values = generator.normal(size=(30, 2)) + 9.0
    shares = captured_shares(basis, values)
    assert shares[-1] == pytest.approx(1.0)
    assert (np.diff(shares) >= 0).all()
    # Parseval: the projection on the first ten keeps their share of the variance.
    centred = values - values.mean(axis=0)
    kept = basis[:, :10] @ (basis[:, :10].T @ centred)
    assert shares[9] == pytest.approx(np.square(kept).sum() / np.square(centred).sum())


def test_all_of_a_constant_is_captured() -> None:
    assert captured_shares(np.eye(4)[:, :2], np.full((4, 1), 3.0)).tolist() == [1.0, 1.0]
