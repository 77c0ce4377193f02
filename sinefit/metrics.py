"""Measures of how close a reconstruction is to its original."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SSIM_SIGMA: Final = 1.5
"""Standard deviation of SSIM's Gaussian window, in pixels."""
SSIM_RADIUS: Final = 5
"""Half width of that window, 11 pixels in all."""


def squared_error(values: NDArray[np.floating], truth: NDArray[np.floating], unit: float) -> float:
    """Return the sum of the squared differences, each in units of `unit`.

    In units of the range of the values it is finite whatever that range is, short of values far
    outside it, for which it is inf.
    """
    with np.errstate(over="ignore"):
        return float(np.square((values - truth) / unit).sum())


def psnr(mean_squared_error: float, value_range: float) -> float:
    """Return the peak signal-to-noise ratio in dB, 10 log10(range^2 / MSE).

    inf for no error, -inf for an infinite one.
    """
    if mean_squared_error == 0:
        return math.inf
    if mean_squared_error == math.inf:
        return -math.inf
    return 10.0 * math.log10(value_range**2 / mean_squared_error)


def snr(mean_squared_error: float, mean_square: float) -> float:
    """Return the signal-to-noise ratio in dB, 10 log10(mean square of the signal / MSE).

    inf for no error, -inf for an infinite one and for the error of a silent signal.
    """
    if mean_squared_error == 0:
        return math.inf
    if mean_square == 0 or mean_squared_error == math.inf:
        return -math.inf
    return 10.0 * math.log10(mean_square / mean_squared_error)


def ssim(
    original: NDArray[np.generic], reconstruction: NDArray[np.generic], value_range: float
) -> float:
    """Return the mean structural similarity of two pictures (height, width, channels).

    Gaussian window of 11 pixels and sigma 1.5, K1 = 0.01, K2 = 0.03, averaged over the pixels whose
    whole window lies inside and over the channels (Wang, Bovik, Sheikh & Simoncelli, 2004, "Image
    quality assessment: from error visibility to structural similarity"). Where a side is shorter
    than the window, the window is cut to fit.
    """
    first = original.astype(np.float64)
    second = reconstruction.astype(np.float64)

    def blur(picture: NDArray[np.float64]) -> NDArray[np.float64]:
        for axis in (0, 1):
            picture = _gaussian_filter(picture, axis)
        return picture

    mean_1, mean_2 = blur(first), blur(second)
    variance_1 = blur(first * first) - mean_1**2
    variance_2 = blur(second * second) - mean_2**2
    covariance = blur(first * second) - mean_1 * mean_2
    c_1, c_2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    luminance = (2 * mean_1 * mean_2 + c_1) / (mean_1**2 + mean_2**2 + c_1)
    structure = (2 * covariance + c_2) / (variance_1 + variance_2 + c_2)
    return float((luminance * structure).mean())


def _gaussian_filter(picture: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Convolve along one axis, keeping only positions whose window lies inside."""
    length = picture.shape[axis]
    radius = min(SSIM_RADIUS, (length - 1) // 2)
    offsets = np.arange(-radius, radius + 1)
    window = np.exp(-0.5 * (offsets / SSIM_SIGMA) ** 2)
    window /= window.sum()
    moved = np.moveaxis(picture, axis, 0)
    valid = length - 2 * radius
    total = sum(weight * moved[begin : begin + valid] for begin, weight in enumerate(window))
    return np.moveaxis(np.asarray(total), 0, axis)
