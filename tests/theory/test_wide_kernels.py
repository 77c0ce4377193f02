from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sinefit.theory.passes import forward, layers_of
from sinefit.theory.tangent_kernel import TangentKernel
from sinefit.theory.variance_map import fixed_point, jacobian_gain, variance_map
from sinefit.theory.wide_kernels import normal_mean_cosine, uniform_mean_cosine, wide_kernels

from .making import drawn, line


@pytest.mark.parametrize("c", [0.0, 0.4, -0.9])
def test_means_of_products_of_sines(c: float) -> None:
    # Against quadrature over two normal variables of variances 1.3 and 0.9 and covariance c.
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / math.sqrt(2 * math.pi)
    u = math.sqrt(1.3) * nodes[:, None]
    v = c / math.sqrt(1.3) * nodes[:, None] + math.sqrt(0.9 - c * c / 1.3) * nodes[None]
    both = weights[:, None] * weights[None]
    sines = float((both * np.sin(u) * np.sin(v)).sum())
    cosines = float((both * np.cos(u) * np.cos(v)).sum())
    half = math.exp(-(1.3 + 0.9) / 2)
    assert sines == pytest.approx(half * math.sinh(c), abs=1e-10)
    assert cosines == pytest.approx(half * math.cosh(c), abs=1e-10)


@pytest.mark.parametrize(
    ("mean", "draw"),
    [
        (uniform_mean_cosine((3.0, 5.0)), lambda g: g.uniform(-1, 1, (400_000, 2)) * (3.0, 5.0)),
        (normal_mean_cosine((3.0, 5.0)), lambda g: g.normal(size=(400_000, 2)) * (3.0, 5.0)),
    ],
)
def test_mean_cosines_against_draws(mean: object, draw: object) -> None:
    weights = draw(np.random.default_rng(0))  # type: ignore[operator]
    for difference in ((0.0, 0.0), (0.3, 0.0), (0.2, -0.4), (1.0, 1.0)):
        sampled = np.cos(weights @ np.asarray(difference)).mean()
        assert mean(np.asarray(difference)) == pytest.approx(sampled, abs=5e-3)  # type: ignore[operator]


def test_the_diagonal_is_the_variance_map() -> None:
    x = np.linspace(-1, 1, 5)[:, None]
    # Phases over whole turns and any frequencies: E[sin²] = 1/2 everywhere.
    found = wide_kernels(x, uniform_mean_cosine((70.0,)), 0.0, 2.1, 0.2, width=100, depth=4)
    s2 = 2.1**2 / 6 + 0.2
    for _ in range(3):
        s2 = variance_map(s2, 2.1, 0.2)
    np.testing.assert_allclose(np.diag(found.covariance), s2)


@pytest.mark.parametrize("text", ["lambert", "lambert:sigma_a=1", "custom:c_w=2.4495:c_b=0.1"])
def test_wide_networks_have_these_kernels(text: str) -> None:
    constants = {
        "lambert": (math.sqrt(3), 0.0),
        "lambert:sigma_a=1": (2.298865, 0.238406),
        "custom:c_w=2.4495:c_b=0.1": (2.4495, 0.01),
    }
    width, depth, points = 512, 3, line(24)
    c_w, c_b2 = constants[text]
    expected = wide_kernels(
        points.numpy(), uniform_mean_cosine((9.0,)), 0.0, c_w, c_b2, width=width, depth=depth
    )
    tangent, covariance = [], []
    for seed in range(5):
        network = drawn(text, width=width, depth=depth, omega=9.0, seed=seed)
        tangent.append(TangentKernel(network, points).matrix())
        # The neurons of the last sine layer's pre-activations are draws of a shallower output.
        layers = layers_of(network, torch.float64)
        values = forward(layers, points)[depth - 1]
        covariance.append(values @ values.T / width)
    shallower = wide_kernels(
        points.numpy(), uniform_mean_cosine((9.0,)), 0.0, c_w, c_b2, width=width, depth=depth - 1
    )
    # At this width single networks differ by a tenth; half of it is left in the mean.
    for drawn_kernels, kernel in (
        (tangent, expected.tangent),
        (covariance, shallower.covariance),
    ):
        mean = torch.stack(drawn_kernels).mean(dim=0)
        np.testing.assert_allclose(mean, kernel, atol=0.1 * kernel.max())


def test_at_the_fixed_point_the_trace_is_a_geometric_sum() -> None:
    """The mean eigenvalue grows linearly at gain 1 and exponentially above it."""
    width = 300

    def trace(c_w: float, c_b2: float, depth: int) -> float:
        found = wide_kernels(
            np.zeros((1, 1)), uniform_mean_cosine((1.0,)), 0.0, c_w, c_b2, width=width, depth=depth
        )
        return float(found.tangent[0, 0])

    c_w, c_b2 = 2.298865473, 0.238405844  # sigma_a = 1, sigma_g = 1
    steps = np.diff([trace(c_w, c_b2, depth) for depth in range(20, 26)])
    expected = width * -math.expm1(-2.0) / 2 + 1
    np.testing.assert_allclose(steps, expected, rtol=1e-4)
    # Siren without biases: the increments grow by the gain.
    c_w = math.sqrt(6)
    gain = jacobian_gain(c_w, fixed_point(c_w, 0.0))
    steps = np.diff([trace(c_w, 0.0, depth) for depth in range(20, 26)])
    np.testing.assert_allclose(steps[1:] / steps[:-1], gain, rtol=1e-4)


def test_at_sigma_a_0_the_trace_settles_at_the_width() -> None:
    """Without biases the variance falls as 1/l, and so does what is left of earlier layers.

    With s_l² = 1/l the layers' terms are N/l, the gains from there on multiply to l/L: their sum
    is N. The biases' part, 1 per layer times the same gains, is L/2.
    """
    width, depth = 500, 400
    found = wide_kernels(
        np.zeros((1, 1)),
        uniform_mean_cosine((1.0,)),
        0.0,
        math.sqrt(3),
        0.0,
        width=width,
        depth=depth,
    )
    assert float(found.tangent[0, 0]) == pytest.approx(width + depth / 2, rel=0.02)
