from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from sinefit import metrics

Picture = np.ndarray[Any, np.dtype[Any]]


def noisy_pair(shape: tuple[int, ...]) -> tuple[Picture, Picture]:
    generator = np.random.default_rng(3)
    rows, columns, channels = np.ogrid[0 : shape[0], 0 : shape[1], 0 : shape[2]]
    first = 128 + 60 * np.sin(rows / 3.0 + channels) + 40 * np.cos(columns / 5.0)
    second = first + generator.normal(0.0, 9.0, shape)
    return first, second


def reference_ssim(first: Picture, second: Picture, value_range: float) -> float:
    """SSIM of whole windows, by scipy's Gaussian filter cut at the same 11 pixels."""

    def blur(values: Picture) -> Picture:
        return np.stack(
            [
                ndimage.gaussian_filter(values[..., channel], sigma=1.5, truncate=5 / 1.5)
                for channel in range(values.shape[-1])
            ],
            axis=-1,
        )

    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    mean_1, mean_2 = blur(first), blur(second)
    spread_1, spread_2 = blur(first**2) - mean_1**2, blur(second**2) - mean_2**2
    shared = blur(first * second) - mean_1 * mean_2
    similarity = ((2 * mean_1 * mean_2 + c1) * (2 * shared + c2)) / (
        (mean_1**2 + mean_2**2 + c1) * (spread_1 + spread_2 + c2)
    )
    return float(similarity[5:-5, 5:-5].mean())


def test_psnr_is_the_range_over_the_root_mean_square_error() -> None:
    # An error of a hundredth of the range: 20 log10(100).
    assert metrics.psnr(2.55**2, 255.0) == pytest.approx(40.0)
    assert metrics.psnr(1.0, 1.0) == pytest.approx(0.0)
    assert metrics.psnr(100.0, 1.0) == pytest.approx(-20.0)


def test_snr_is_the_ratio_of_powers() -> None:
    generator = np.random.default_rng(1)
    signal, noise = generator.normal(0, 3, 1000), generator.normal(0, 0.1, 1000)
    expected = 20 * math.log10(np.linalg.norm(signal) / np.linalg.norm(noise))
    assert metrics.snr(float(np.mean(noise**2)), float(np.mean(signal**2))) == pytest.approx(
        expected
    )


def test_no_error_and_infinite_error() -> None:
    assert metrics.psnr(0.0, 255.0) == math.inf
    assert metrics.psnr(math.inf, 255.0) == -math.inf
    assert metrics.snr(0.0, 1.0) == math.inf
    assert metrics.snr(0.0, 0.0) == math.inf
    assert metrics.snr(0.1, 0.0) == -math.inf
    assert metrics.snr(math.inf, 1.0) == -math.inf


def test_an_error_that_is_no_number_has_no_ratio() -> None:
    assert math.isnan(metrics.psnr(math.nan, 1.0))
    assert math.isnan(metrics.snr(math.nan, 1.0))


@pytest.mark.parametrize("shape", [(11, 11, 1), (24, 37, 3), (12, 60, 2)])
def test_ssim_agrees_with_a_reference(shape: tuple[int, int, int]) -> None:
    first, second = noisy_pair(shape)
    expected = reference_ssim(first, second, 255.0)
    assert metrics.ssim(first, second, 255.0) == pytest.approx(expected, abs=1e-9)
    assert 0.1 < expected < 0.99  # neither end, where anything would agree


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 30, 1), (10, 3, 2), (40, 40, 3)])
def test_a_picture_is_wholly_similar_to_itself(shape: tuple[int, int, int]) -> None:
    picture, _ = noisy_pair(shape)
    assert metrics.ssim(picture, picture, 255.0) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 30, 1), (10, 3, 2)])
def test_pictures_below_the_window_are_compared_still(shape: tuple[int, int, int]) -> None:
    first, second = noisy_pair(shape)
    same = metrics.ssim(first, second, 255.0)
    assert same == pytest.approx(metrics.ssim(second, first, 255.0))
    assert metrics.ssim(first, 255.0 - first, 255.0) < same < 1.0


def test_ssim_of_single_pixels_is_their_luminance_alone() -> None:
    one, two = np.full((1, 1, 1), 100.0), np.full((1, 1, 1), 200.0)
    c1 = 2.55**2
    expected = (2 * 100 * 200 + c1) / (100**2 + 200**2 + c1)
    assert metrics.ssim(one, two, 255.0) == pytest.approx(expected)


def test_ssim_takes_integers_without_wrapping_round() -> None:
    first, second = noisy_pair((20, 20, 1))
    bytes_1, bytes_2 = (np.clip(p, 0, 255).astype(np.uint8) for p in (first, second))
    floats = metrics.ssim(bytes_1.astype(float), bytes_2.astype(float), 255.0)
    assert metrics.ssim(bytes_1, bytes_2, 255.0) == floats
