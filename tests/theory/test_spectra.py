from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.signals.signal import Signal, SignalSpec
from sinefit.theory.spectra import MAX_LENGTH, axis_centroids, row_centroid

if TYPE_CHECKING:
    from sinefit.signals.signal import Kind

Values = np.ndarray[Any, np.dtype[Any]]


def make(values: Values, kind: Kind = "array") -> Signal:
    """A signal of float32 samples (*axes, channels)."""
    low, high = float(values.min()), float(values.max())
    spec = SignalSpec(
        kind,
        values.shape[:-1],
        values.shape[-1],
        "float32",
        low if high > low else low - 1,
        high if high > low else high + 1,
        "npy",
        32,
    )
    return Signal(spec, values.astype(np.float32))


def wave(length: int, frequency: float) -> Values:
    """A cosine with `frequency` cycles per sample."""
    cosine: Values = np.cos(2 * np.pi * frequency * np.arange(length) + 0.3)
    return cosine


@pytest.mark.parametrize("frequency", [0.05, 0.2, 0.37])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_wave_along_one_axis_has_its_frequency_there(frequency: float, axis: int) -> None:
    shape = [6, 5, 4]
    shape[axis] = 200
    line = wave(200, frequency).reshape([-1 if other == axis else 1 for other in range(3)])
    values = np.broadcast_to(line, shape)[..., None]
    centroids = axis_centroids(make(values))
    # A Hann window spreads a line over a few bins of 1/200; its tails pull towards the middle.
    assert centroids[axis] == pytest.approx(frequency, abs=0.01)
    assert [centroids[other] for other in range(3) if other != axis] == [0.0, 0.0]


def test_every_axis_has_its_own_frequency() -> None:
    values = wave(160, 0.1)[:, None] * wave(120, 0.3)[None, :]
    centroids = axis_centroids(make(values[..., None]))
    assert centroids == pytest.approx((0.1, 0.3), abs=0.01)


@pytest.mark.parametrize("shape", [(64, 64, 1), (5000, 1), (20, 30, 10, 2)])
def test_white_noise_has_all_frequencies_alike(shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(2).normal(size=shape)
    for centroid in axis_centroids(make(noise)):
        # From 0 to 0.5 evenly, but the line's mean is taken off, which the shortest feels most.
        assert centroid == pytest.approx(0.25, abs=0.04)
    assert row_centroid(make(noise)) == pytest.approx(0.25, abs=0.03)


@given(st.integers(1, 130), st.floats(-1e3, 1e3, width=32))
def test_a_constant_has_no_spectrum(length: int, value: float) -> None:
    constant = make(np.full((length, 3, 1), value))
    assert axis_centroids(constant) == (0.0, 0.0)


def test_a_single_sample_has_no_spectrum() -> None:
    assert axis_centroids(make(np.full((1, 1), 0.5))) == (0.0,)
    assert axis_centroids(make(np.full((1, 1, 3), 0.5))) == (0.0, 0.0)
    assert row_centroid(make(np.full((1, 1, 3), 0.5))) == 0.0


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_centroids_lie_between_zero_and_nyquist(rows: int, columns: int, seed: int) -> None:
    signal = make(np.random.default_rng(seed).normal(size=(rows, columns, 2)))
    assert all(0.0 <= centroid <= 0.5 for centroid in axis_centroids(signal))
    assert 0.0 <= row_centroid(signal) <= 0.5


def test_the_value_range_does_not_matter() -> None:
    values = np.random.default_rng(5).normal(size=(50, 40, 1)).cumsum(axis=0)
    assert axis_centroids(make(values * 1000 + 7)) == pytest.approx(
        axis_centroids(make(values)), rel=1e-3
    )


def test_the_row_centroid_against_the_formula() -> None:
    values = np.random.default_rng(4).normal(size=(7, 50, 2)).cumsum(axis=1)
    signal = make(values)
    mapped = 2 * (values - values.min()) / (values.max() - values.min()) - 1
    expected = []
    for row in range(7):
        for channel in range(2):
            magnitude = np.abs(np.fft.fft(mapped[row, :, channel]))[:26]
            expected.append((magnitude * np.arange(26) / 50).sum() / magnitude.sum())
    assert row_centroid(signal) == pytest.approx(np.mean(expected), rel=1e-5)


@pytest.mark.parametrize("length", [MAX_LENGTH - 1, MAX_LENGTH, 3 * MAX_LENGTH + 5])
def test_long_lines_are_looked_at_in_stretches(length: int) -> None:
    assert axis_centroids(make(wave(length, 0.15)[:, None]))[0] == pytest.approx(0.15, abs=1e-3)


def test_every_stretch_of_a_long_line_counts() -> None:
    waves = [wave(MAX_LENGTH, frequency) for frequency in (0.1, 0.2, 0.3, 0.4)]
    centroid = axis_centroids(make(np.concatenate(waves)[:, None]))[0]
    assert centroid == pytest.approx(0.25, abs=5e-3)


def test_a_picture_and_a_sound_of_usual_size_are_sampled() -> None:
    generator = np.random.default_rng(0)
    picture = np.broadcast_to(wave(768, 0.125)[None, :, None], (512, 768, 3))
    assert axis_centroids(make(picture)) == pytest.approx((0.0, 0.125), abs=3e-3)
    sound = wave(300_000, 0.02)[:, None] + generator.normal(0, 1e-4, (300_000, 1))
    assert axis_centroids(make(sound))[0] == pytest.approx(0.02, abs=5e-3)


def test_layout_in_memory_does_not_matter() -> None:
    values = np.random.default_rng(8).normal(size=(30, 20, 2))
    ordered = make(values)
    fortran = Signal(ordered.spec, np.asfortranarray(ordered.samples))
    assert axis_centroids(fortran) == pytest.approx(axis_centroids(ordered), rel=1e-9)
