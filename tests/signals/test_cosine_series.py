"""Derivatives of the series of cosines through samples, held against scipy's transforms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.fft import dctn, idctn

from sinefit.signals.cosine_series import (
    gradient,
    integral_of_gradient,
    integral_of_laplacian,
    laplacian,
)

SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)


def random_values(shape: tuple[int, ...], channels: int = 2) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=(*shape, channels))


def test_the_derivatives_of_one_cosine() -> None:
    """Of cos(k (n + 1/2)) they are -k sin and -k^2 cos, in values per sample."""
    size, number = 9, 3
    frequency = np.pi * number / size
    phases = frequency * (np.arange(size) + 0.5)
    (slopes,) = gradient(np.cos(phases)[:, None])
    np.testing.assert_allclose(slopes[:, 0], -frequency * np.sin(phases), atol=1e-12)
    bends = laplacian(np.cos(phases)[:, None])
    np.testing.assert_allclose(bends[:, 0], -(frequency**2) * np.cos(phases), atol=1e-12)


@given(SHAPES)
def test_the_laplacian_is_that_of_scipys_transform(shape: tuple[int, ...]) -> None:
    values = random_values(shape)
    axes = tuple(range(len(shape)))
    squares = sum(
        np.expand_dims((np.pi / size * np.arange(size)) ** 2, [a for a in (*axes, -1) if a != axis])
        for axis, size in enumerate(shape)
    )
    expected = idctn(-squares * dctn(values, axes=axes), axes=axes)
    np.testing.assert_allclose(laplacian(values), expected, atol=1e-9)


@given(SHAPES)
def test_either_derivative_tells_all_but_the_mean(shape: tuple[int, ...]) -> None:
    values = random_values(shape)
    level = values.mean(axis=tuple(range(len(shape))))
    for found in (
        integral_of_gradient(gradient(values)),
        integral_of_laplacian(laplacian(values)),
    ):
        np.testing.assert_allclose(found + level, values, atol=1e-9)


def test_smooth_waves_have_the_derivatives_that_they_have() -> None:
    """Those that are level at the borders; every finite difference would be off by some percent."""
    y, x = (np.arange(size) + 0.5 for size in (40, 50))
    wave = np.cos(np.pi * 2 * y / 40)[:, None] * np.cos(np.pi * 5 * x / 50)[None]
    slopes = gradient(wave[..., None])[1, ..., 0]
    expected = np.cos(np.pi * 2 * y / 40)[:, None] * -(np.pi / 10) * np.sin(np.pi * x / 10)[None]
    np.testing.assert_allclose(slopes, expected, atol=1e-12)


def test_slopes_that_no_values_have_give_the_nearest() -> None:
    """The residual of a least-squares solution is at right angles to every gradient."""
    rng = np.random.default_rng(0)
    slopes = rng.normal(size=(2, 7, 8, 1))
    found = integral_of_gradient(slopes)
    residual = gradient(found) - slopes
    for _ in range(3):
        other = gradient(rng.normal(size=(7, 8, 1)))
        assert np.sum(residual * other) == pytest.approx(0.0, abs=1e-9)
    assert found.mean() == pytest.approx(0.0, abs=1e-12)


def test_pictures_are_blended_by_their_gradients() -> None:
    """The example of the module: an edge of each picture, side by side, is in the blend."""
    one, other = np.zeros((16, 32, 1)), np.zeros((16, 32, 1))
    one[:, 8:] = 1.0
    other[:, 20:] = 1.0
    own, its = gradient(one), gradient(other)
    stronger = np.where(abs(own) > abs(its), own, its)
    blend = integral_of_gradient(stronger)
    steps = [blend[:, begin:end].mean() for begin, end in ((0, 6), (10, 18), (22, 32))]
    assert np.diff(steps) == pytest.approx([1.0, 1.0], abs=0.25)
