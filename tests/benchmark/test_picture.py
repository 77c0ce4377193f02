from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.benchmark.picture import draw_picture, reduce_picture
from tests.fitting.making import natural, picture


def test_the_drawn_picture_is_always_the_same() -> None:
    first, second = draw_picture(30, 40), draw_picture(30, 40)
    assert first.spec.shape == (30, 40)
    assert first.spec.channels == 3
    assert np.array_equal(first.samples, second.samples)
    assert not np.array_equal(first.samples, draw_picture(30, 40, seed=1).samples)
    assert (first.samples.min(), first.samples.max()) == (0, 255)


def test_its_amplitude_falls_as_one_over_the_frequency() -> None:
    values = draw_picture(256, 256).samples.astype(float).mean(axis=-1)
    amplitude = np.abs(np.fft.fft2(values))
    steps = np.fft.fftfreq(256)
    frequency = np.hypot(steps[:, None], steps[None, :])
    bands = [(2**-k, 2 ** (1 - k)) for k in range(2, 7)]
    means = [amplitude[(frequency >= low) & (frequency < high)].mean() for low, high in bands]
    slope = np.polyfit(np.log([low for low, _ in bands]), np.log(means), 1)[0]
    assert slope == pytest.approx(-1.0, abs=0.1)


def test_a_reduction_by_a_whole_factor_is_the_mean_of_blocks() -> None:
    signal = picture((24, 20), channels=2, bits=16)
    reduced = reduce_picture(signal, 8, 5)
    blocks = signal.samples.astype(float).reshape(8, 3, 5, 4, 2).mean(axis=(1, 3))
    assert reduced.spec.shape == (8, 5)
    assert reduced.samples.dtype == np.uint16
    assert np.abs(reduced.samples - blocks).max() <= 0.5


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 50), st.integers(1, 50))
def test_a_reduction_has_the_size_asked_for_or_that_of_the_picture(
    rows: int, columns: int, height: int, width: int
) -> None:
    signal = picture((rows, columns))
    reduced = reduce_picture(signal, height, width)
    assert reduced.spec.shape == (min(rows, height), min(columns, width))
    if height >= rows and width >= columns:
        assert np.array_equal(reduced.samples, signal.samples)
    assert reduced.samples.min() >= signal.samples.min()
    assert reduced.samples.max() <= signal.samples.max()


def test_every_pixel_counts_once_where_blocks_differ_in_size() -> None:
    # Means of blocks, weighted by how many pixels each has, are the mean of the picture.
    values = natural((11, 7))
    signal = picture((11, 7), bits=16)
    reduced = reduce_picture(signal, 3, 2).samples[..., 0].astype(float)
    heights, widths = np.array([3, 4, 4]), np.array([3, 4])
    weights = heights[:, None] * widths[None, :]
    assert (reduced * weights).sum() / 77 == pytest.approx(values.mean() * 65535, abs=1.0)
