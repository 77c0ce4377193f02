"""What the papers state as theorems and lemmas, each held against a derivation of its own.

TUNER's are in `test_harmonics`, the recursions of wide networks' kernels in `test_wide_kernels`.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import jv
from scipy.stats import arcsine, kstest, norm

from sinefit.theory.passes import forward, layers_of
from sinefit.theory.variance_map import fixed_point, jacobian_gain, lambert_constants, variance_map
from sinefit.theory.wide_kernels import normal_mean_cosine, wide_kernels

from .making import drawn, line

# --- Sitzmann et al. 2020, theorem 1.8 and its lemmas ---


def test_siren_alternates_between_normal_and_arcsine() -> None:
    """U(±√(6/n)) on arcsine inputs, of variance 1/2, gives variance n (2/n) (1/2) = 1."""
    network = drawn("siren:bias=plain", omega=800.0, width=1024, depth=3, seed=2)
    # Far points: within a neuron they are nearly independent.
    first, second, _, _ = forward(layers_of(network, torch.float64), line(40))
    inputs = torch.sin(first).flatten().numpy()
    assert kstest(inputs, arcsine(loc=-1, scale=2).cdf).statistic < 0.02
    assert kstest(second.flatten().numpy(), norm.cdf).statistic < 0.02


# --- Combette et al. 2025, theorem 3.1 and what follows ---


@given(st.floats(0.05, 6.0), st.floats(0.0, 4.0))
def test_a_fixed_point_attracts(c_w: float, c_b2: float) -> None:
    """The slope there, (c_w²/3) exp(-2 s), is at most 1: no variance runs away."""
    point = fixed_point(c_w, c_b2)
    slope = c_w * c_w / 3.0 * math.exp(-2.0 * point)
    step = 1e-6
    measured = (variance_map(point + step, c_w, c_b2) - variance_map(point, c_w, c_b2)) / step
    assert measured == pytest.approx(slope, abs=1e-4)
    assert slope <= 1.0 + 1e-6


@given(st.floats(0.0, 3.0))
def test_at_gain_one_the_slope_is_one_less_the_tangent(sigma_a: float) -> None:
    """With (c_w²/6) (1 + e) = 1, e = exp(-2 s), the slope is 2e/(1+e) = 1 - tanh s.

    So the proposal, s = 0, is the one place where the variance does not settle exponentially.
    """
    c_w, c_b = lambert_constants(sigma_a)
    s = sigma_a * sigma_a
    assert c_w * c_w / 3.0 * math.exp(-2.0 * s) == pytest.approx(1.0 - math.tanh(s), abs=1e-12)
    assert jacobian_gain(c_w, s) == pytest.approx(1.0)
    assert variance_map(s, c_w, c_b * c_b) == pytest.approx(s, abs=1e-12)


def test_gradients_pass_as_the_gain_says() -> None:
    """Backwards a layer has the same factor: its weights have as many rows as columns."""
    network = drawn("custom:c_w=2.4:c_b=0.4", omega=300.0, width=512, depth=7, seed=1)
    layers = layers_of(network, torch.float64)
    values = forward(layers, line(16))
    slopes = torch.ones((16, 1), dtype=torch.float64)
    norms = []
    for layer, below in zip(reversed(layers), reversed(values[:-1]), strict=False):
        slopes = slopes @ layer.weight * torch.cos(below)
        norms.append(float(slopes.square().mean()))
    measured = norms[2] / norms[1]  # deep layers, at the fixed point
    expected = jacobian_gain(2.4, fixed_point(2.4, 0.16))
    assert measured == pytest.approx(expected, rel=0.1)


# --- Belbute-Peres, Kolter 2023 ---


def test_normal_and_uniform_weights_of_one_variance_have_one_kernel() -> None:
    """U(±c) and N(0, c²/3): only the variance of later layers enters the wide kernels."""
    uniform, normal = drawn("siren:bias=plain", width=512), drawn("ssn", width=512)
    for layer in (1, 2, 3):
        spreads = [float(layers_of(each)[layer].weight.var()) for each in (uniform, normal)]
        assert spreads[0] == pytest.approx(spreads[1], rel=0.02)


def test_omega_is_the_kernels_scale() -> None:
    """Omega only multiplies the coordinates: K_ω(x, x') = K_1(ωx, ωx'), but for the first layer.

    So its spectrum is stretched by omega, which is its width as a filter.
    """
    x = np.linspace(-1, 1, 9)[:, None]
    one = wide_kernels(
        7.0 * x, normal_mean_cosine((1.0,)), 1.0, math.sqrt(6), 0.0, width=50, depth=3
    )
    seven = wide_kernels(x, normal_mean_cosine((7.0,)), 1.0, math.sqrt(6), 0.0, width=50, depth=3)
    np.testing.assert_allclose(one.covariance, seven.covariance)
    # The first layer's own part, whose inputs are x, is all that differs.
    base = wide_kernels(
        0.0 * x, normal_mean_cosine((7.0,)), 1.0, math.sqrt(6), 0.0, width=50, depth=1
    )
    assert base.covariance == pytest.approx(0.0)
    first = (7.0 * x) @ (7.0 * x).T - x @ x.T
    gains = (one.tangent - seven.tangent)[first != 0] / first[first != 0]
    assert (np.abs(gains) <= 8.0 + 1e-9).all()  # at most (c_w²/3)³ = 2³


def test_one_layers_kernel_is_a_gaussian_low_pass() -> None:
    """sin(w x) sin(w x') with w ~ N(0, s²): (exp(-s² (x-x')²/2) - exp(-s² (x+x')²/2))/2."""
    x = np.linspace(-1, 1, 11)[:, None]
    s = 5.0
    found = wide_kernels(x, normal_mean_cosine((s,)), 1.0, math.sqrt(3), 0.0, width=10, depth=1)
    near, far = x - x.T, x + x.T
    expected = (np.exp(-(s**2) * near**2 / 2) - np.exp(-(s**2) * far**2 / 2)) / 2
    np.testing.assert_allclose(found.covariance, expected, atol=1e-12)


@pytest.mark.parametrize("text", ["ssn", "lambert:first_bias=zero", "xavier"])
def test_a_start_without_biases_is_odd(text: str) -> None:
    network = drawn(text, axes=2)
    x = torch.rand((1, 30, 2)) * 2 - 1
    torch.testing.assert_close(network(-x), -network(x), atol=1e-4, rtol=1e-3)
    biased = drawn("siren", axes=2)
    assert not torch.allclose(biased(-x), -biased(x), atol=1e-3)


# --- Novello et al. 2025 ---


def test_a_network_of_whole_frequencies_is_periodic() -> None:
    """Whatever later layers do to sines of one period, the period stays."""
    network = drawn("tuner:period=2.5", width=32, depth=4)
    x = torch.linspace(-1, 1, 50)[None, :, None]
    torch.testing.assert_close(network(x + 2.5), network(x), atol=2e-3, rtol=1e-2)
    assert not torch.allclose(network(x + 1.3), network(x), atol=1e-2)


# --- Yeom et al. 2025 ---


@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
def test_scaled_layers_keep_their_distribution_from_layer_to_layer(alpha: float) -> None:
    """s² = α² (1 - exp(-2 s²)), which is α² but for a rest: N(0, α²) in, arcsine-like out."""
    network = drawn(f"ws:alpha={alpha}", width=1024, depth=4, omega=300.0)
    bias = 300.0 / 1024  # the variance of U(±30/√N), which is not scaled
    third = forward(layers_of(network, torch.float64), line(24))[3]
    expected = fixed_point(alpha * math.sqrt(6), bias)
    assert float(third.var()) == pytest.approx(expected, rel=0.06)
    assert expected - bias == pytest.approx(alpha**2, rel=0.1)


def test_larger_weights_make_louder_harmonics() -> None:
    """sin(α sin t) has amplitudes 2 J_k(α): the third over the first rises with α."""
    turn = 2 * np.pi * np.arange(256) / 256
    ratios = []
    for alpha in (0.5, 1.0, 1.5, 2.0, 2.5):
        spectrum = np.abs(np.fft.rfft(np.sin(alpha * np.sin(turn))))
        ratios.append(spectrum[3] / spectrum[1])
        assert ratios[-1] == pytest.approx(jv(3, alpha) / jv(1, alpha))
    assert ratios == sorted(ratios)
