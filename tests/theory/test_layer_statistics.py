"""Measured variances against autograd, against the maps, and against the papers' fixed points."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.initializers import SignalTraits, parse_initializer
from sinefit.networks.network import Network
from sinefit.networks.sine import SINE, bias_name, weight_name
from sinefit.networks.size import NetworkSize
from sinefit.theory.layer_statistics import measure_layers
from sinefit.theory.variance_map import jacobian_gain, variance_map

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from sinefit.theory.layer_statistics import LayerStatistics

FREQUENCY = 115.0
"""Deviation of the first weights: the line holds many independent samples."""


def start(text: str, size: NetworkSize, seed: int) -> Network:
    generator = torch.Generator().manual_seed(seed)
    traits = SignalTraits((4096,) * size.in_features, 1)
    scheme = parse_initializer(text)
    omega = (scheme.omega_for(FREQUENCY, size),) * size.in_features
    return scheme.draw(size, omega, traits, generator)


def line(count: int) -> Tensor:
    return torch.linspace(-1, 1, count)[:, None]


def jacobian(function: Callable[[Tensor], Tensor], sample: Tensor) -> Tensor:
    """The derivatives of all outputs by all inputs (out, in)."""
    found: Tensor = torch.func.jacrev(function)(sample)
    return found


def test_every_statistic_agrees_with_autograd() -> None:
    generator = torch.Generator().manual_seed(0)
    size = NetworkSize(2, 7, 3, 2)
    values = torch.randn((1, size.parameter_count), generator=generator, dtype=torch.float64)
    network = Network(SINE, size, values)
    x = torch.rand((11, 2), generator=generator, dtype=torch.float64)

    def layer_output(index: int, first: int, hidden: Tensor) -> Tensor:
        """Pre-activations of layer `index` from the input of layer `first`, for one sample."""
        for layer in range(first, index + 1):
            weight = network.parameters[weight_name(layer)][0]
            hidden = weight @ hidden + network.parameters[bias_name(layer)][0]
            if layer < index:
                hidden = torch.sin(hidden)
        return hidden

    def through(index: int, before: Tensor) -> Tensor:
        """Pre-activations of layer `index` from those of the layer below."""
        return layer_output(index, index, torch.sin(before))

    for index, found in enumerate(measure_layers(network, x)):
        z = torch.stack([layer_output(index, 0, sample) for sample in x])
        to_input = torch.stack([jacobian(partial(layer_output, index, 0), sample) for sample in x])
        assert found.layer == index
        assert found.mean == pytest.approx(float(z.mean()))
        assert found.variance == pytest.approx(float(z.var(correction=0)))
        assert found.jacobian_variance == pytest.approx(float(to_input.square().mean()))
        if index == 0:
            step = to_input
        else:
            before = [layer_output(index - 1, 0, sample) for sample in x]
            step = torch.stack([jacobian(partial(through, index), sample) for sample in before])
        fan_in = size.layers[index][1]
        assert found.jacobian_gain == pytest.approx(float(fan_in * step.square().mean()))


# Per scheme: c_w of its hidden layers, and c_b² as a constant plus another over the width.
MAPS = {
    "siren": (math.sqrt(6), 0.0, 300.0),
    "siren:bias=plain": (math.sqrt(6), 0.0, 1 / 3),
    "lambert": (math.sqrt(3), 0.0, 0.0),
    "lambert:sigma_a=1": (2.298865, 0.238406, 0.0),
    "ws": (2.5 * math.sqrt(6), 0.0, 300.0),
    "ssn": (math.sqrt(6), 0.0, 0.0),
    "nfsl": (math.sqrt(6), 0.0, 300.0),
    "nfsl:hidden=uniform": (1.0, 0.0, 300.0),
    "xavier": (30 * math.sqrt(3), 0.0, 0.0),
    "xavier:hidden_omega=1": (math.sqrt(3), 0.0, 0.0),
    "torch": (1.0, 0.0, 1 / 3),
}


@pytest.mark.parametrize("text", MAPS)
def test_variances_of_a_wide_network_follow_the_maps(text: str) -> None:
    width = 1536
    c_w, constant, over_width = MAPS[text]
    c_b2 = constant + over_width / width
    # Without biases a start is odd: half of the line says everything.
    network = start(text, NetworkSize(1, width, 4, 1), seed=1)
    statistics = measure_layers(network, line(384)[192:])
    variance = statistics[0].variance
    jacobian = statistics[0].jacobian_variance
    for layer in statistics[1:-1]:
        gain = jacobian_gain(c_w, variance)
        jacobian *= gain
        variance = variance_map(variance, c_w, c_b2)
        assert layer.variance == pytest.approx(variance, rel=0.03)
        assert layer.jacobian_gain == pytest.approx(gain, rel=0.03)
        assert layer.jacobian_variance == pytest.approx(jacobian, rel=0.03 * layer.layer)


def deep_averages(text: str, width: int) -> tuple[float, float]:
    """Variance and Jacobian gain over deep layers of several networks."""
    deep: list[LayerStatistics] = []
    for seed in range(6 * 256 // width + 2):
        network = start(text, NetworkSize(1, width, 13, 1), seed)
        deep.extend(measure_layers(network, line(64))[9:-1])
    variance = sum(layer.variance for layer in deep) / len(deep)
    return variance, sum(layer.jacobian_gain for layer in deep) / len(deep)


@pytest.mark.parametrize(
    ("text", "width", "sigma_a2", "sigma_g2"),
    [
        ("lambert:sigma_a=1", 512, 1.000, 1.000),
        ("siren:bias=plain", 256, 0.799, 1.202),
        ("siren", 512, 1.540, 1.046),
        ("siren", 1024, 1.203, 1.090),
        ("torch", 256, 0.00195, 0.333),
        ("ws", 512, 6.84, 6.25),
    ],
)
def test_deep_layers_reach_the_fixed_points(
    text: str, width: int, sigma_a2: float, sigma_g2: float
) -> None:
    variance, gain = deep_averages(text, width)
    assert variance == pytest.approx(sigma_a2, rel=0.03)
    assert gain == pytest.approx(sigma_g2, rel=0.03)


def test_wide_uniform_biases_lower_the_gain_of_siren() -> None:
    # The maps take pre-activations as normal. At a width of 256 more than half of siren's variance
    # comes from biases U(±B), for which E[cos 2z] = exp(-2 s²) sin(2B)/(2B), s² without biases.
    bound, normal_part = 30 / 16, 1.0
    for _ in range(200):
        mean_cosine = math.exp(-2 * normal_part) * math.sin(2 * bound) / (2 * bound)
        normal_part = 1.0 - mean_cosine
    variance, gain = deep_averages("siren", 256)
    assert variance == pytest.approx(normal_part + bound**2 / 3, rel=0.02)
    assert gain == pytest.approx(1.0 + mean_cosine, rel=0.01)
    # The normal approximation, which the papers use, says 2.159 and 1.013.
    assert (variance, gain) == pytest.approx((2.159, 1.013), rel=0.04)


def test_at_sigma_a_0_the_variance_decays_as_one_over_depth() -> None:
    # Near 0 the map is s - s² + ..., which leads to 1/(l + constant).
    found = measure_layers(start("lambert", NetworkSize(1, 512, 40, 1), seed=0), line(48))
    growth = 1 / found[39].variance - 1 / found[19].variance
    assert growth == pytest.approx(20.0, rel=0.15)
