"""Signals with fewer samples, against means and sines that are written out."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.signal import resample_poly

from sinefit.errors import SettingError
from sinefit.signals.array.reading import array_signal
from sinefit.signals.signal import Signal, SignalSpec
from sinefit.upscaling.reducing import faster, reduced, render_axes, slower


def picture(height: int, width: int) -> Signal:
    samples = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Signal(SignalSpec("image", (height, width), 3, "uint8", 0.0, 255.0, "png", 8), samples)


def tone(frequency: float, count: int = 4000) -> Signal:
    samples = 0.5 * np.sin(2 * np.pi * frequency * np.arange(count))[:, None].astype(np.float32)
    spec = SignalSpec(
        "audio", (count,), 1, "float32", -1.0, 1.0, "wav", 16, Fraction(8000), "PCM_16"
    )
    return Signal(spec, samples)


def test_pixels_are_means_over_areas() -> None:
    signal = picture(34, 41)
    fewer, original = reduced(signal, 4)
    assert (fewer.spec.shape, original.spec.shape) == ((8, 10), (32, 40))
    for row, column in ((0, 0), (3, 7), (7, 9)):
        cell = signal.samples[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        assert fewer.samples[row, column] == pytest.approx(cell.mean(axis=(0, 1)), abs=0.501)


def test_frames_between_are_left_out() -> None:
    samples = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 4, 3), np.uint8)
    spec = SignalSpec("video", (20, 3, 4), 3, "uint8", 0.0, 255.0, "mp4", 8, Fraction(30))
    fewer, original = reduced(Signal(spec, samples), 2)
    assert fewer.samples[:, 0, 0, 0].tolist() == list(range(0, 20, 2))
    assert original.samples[:, 0, 0, 0].tolist() == list(range(19))
    assert fewer.spec.rate == 15
    time = render_axes(fewer.spec, 2)[0]
    centres = time.start + (np.arange(time.count) + 0.5) * time.step
    assert centres[::2] == pytest.approx(np.arange(10) + 0.5)  # each where it was
    assert time.count == len(original.samples)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_sound_keeps_its_band(factor: int) -> None:
    # At 0.7 of the new Nyquist frequency; a sample lies in the middle of those that it replaces.
    frequency = 0.7 * 0.5 / factor
    fewer, original = reduced(tone(frequency), factor)
    positions = (np.arange(fewer.spec.shape[0]) + 0.5) * factor - 0.5
    inside = slice(100, -100)
    expected = 0.5 * np.sin(2 * np.pi * frequency * positions)
    found = fewer.samples[inside, 0].astype(np.float64)
    np.testing.assert_allclose(found, expected[inside], atol=2e-4)
    again = faster(fewer.samples.astype(np.float32), factor)
    wanted = original.samples[200:-200, 0].astype(np.float64)
    np.testing.assert_allclose(again[200:-200, 0].astype(np.float64), wanted, atol=2e-4)
    assert fewer.spec.rate == round(8000 / factor)


def test_a_sound_loses_what_its_rate_cannot_carry() -> None:
    above = tone(1.1 * 0.5 / 4).samples.astype(np.float32)
    assert np.abs(slower(above, 4)[100:-100]).max() < 1e-3


def test_a_good_resampler_agrees_inside_the_band() -> None:
    noise = np.random.default_rng(1).standard_normal((4000, 1)).astype(np.float32)
    band = resample_poly(noise, 1, 4, axis=0, window=("kaiser", 8.0))
    slow = resample_poly(band, 4, 1, axis=0, window=("kaiser", 8.0)).astype(np.float32)
    kept = faster(slower(slow, 4), 4)
    spectrum, original = (np.abs(np.fft.rfft(each[:, 0])) for each in (kept, slow))
    low = slice(10, 350)  # of 500 up to the new Nyquist frequency
    assert np.linalg.norm(spectrum[low]) == pytest.approx(np.linalg.norm(original[low]), rel=0.01)


@pytest.mark.parametrize(
    ("signal", "factor", "cure"),
    [
        (picture(30, 40), 4, "leave 7 samples along an axis"),
        (picture(30, 40), 1, "must be at least 2"),
        (array_signal(np.random.default_rng(0).random((40, 40))), 2, "not for an array"),
    ],
)
def test_what_cannot_be_reduced_is_refused(signal: Signal, factor: int, cure: str) -> None:
    with pytest.raises(SettingError, match=cure):
        reduced(signal, factor)
