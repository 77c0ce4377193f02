"""Networks of one activation and a linear layer at the end, against their formulas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sinefit.networks.fourier_features import FREQUENCIES, Ffn, TanhFf
from sinefit.networks.gauss import Gauss
from sinefit.networks.relu import Relu, ReluPe
from sinefit.networks.sinc import Sinc
from sinefit.networks.size import NetworkSize

from .making import drawn, numbers, points, values_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sinefit.networks.family import Published
    from sinefit.networks.fourier_features import FourierFeatures
    from sinefit.networks.network import Network

    Values = NDArray[np.float64]

SIZE = NetworkSize(2, 7, 3, 2)


def through(network: Network, inputs: Values, activation: Callable[[Values], Values]) -> Values:
    """Return what `SIZE.depth` layers and a linear one make of inputs."""
    for layer in range(SIZE.depth + 1):
        weight = numbers(network, f"layers.{layer}.weight")
        z = inputs @ weight.T + numbers(network, f"layers.{layer}.bias")
        inputs = activation(z) if layer < SIZE.depth else z
    return inputs


def bell(z: Values) -> Values:
    return np.asarray(np.exp(-9.0 * z * z))


def ratio(z: Values) -> Values:
    return np.asarray(np.sin(math.pi * 5.0 * z) / (math.pi * 5.0 * z))


def ramp(z: Values) -> Values:
    return np.asarray(np.where(z > 0, z, 0.0))


@pytest.mark.parametrize(
    ("family", "activation"),
    [(Gauss(a=3.0), bell), (Sinc(w=5.0), ratio), (Relu(), ramp)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_it_is_layers_of_its_activation(family: Published, activation: Any) -> None:
    network = drawn(family, SIZE)
    expected = through(network, points(2), activation)
    np.testing.assert_allclose(values_at(network, points(2)), expected, atol=1e-12)


def test_positional_encoding_doubles_the_frequency_per_octave() -> None:
    network = drawn(ReluPe(octaves=3), SIZE)
    x = points(2)
    features = [x]
    for factor in (1, 2, 4):
        features += [np.sin(factor * math.pi * x), np.cos(factor * math.pi * x)]
    expected = through(network, np.hstack(features), ramp)
    np.testing.assert_allclose(values_at(network, x), expected, atol=1e-12)


@pytest.mark.parametrize(("samples", "octaves"), [(512, 7), (511, 6), (8, 1), (1, 1)])
def test_octaves_follow_the_samples(samples: int, octaves: int) -> None:
    assert ReluPe().suited((5, samples) if samples > 5 else (samples,)).octaves == octaves
    assert ReluPe(octaves=4).suited((samples,)).octaves == 4


@pytest.mark.parametrize(("family", "activation"), [(Ffn(rows=5), ramp), (TanhFf(rows=5), np.tanh)])
def test_fourier_features_are_waves_over_the_unit_domain(
    family: FourierFeatures, activation: Any
) -> None:
    network = drawn(family, SIZE)
    phase = 2 * math.pi * ((points(2) + 1) / 2) @ numbers(network, FREQUENCIES).T
    z = through(network, np.hstack([np.sin(phase), np.cos(phase)]), activation)
    expected = 2 / (1 + np.exp(-z)) - 1
    np.testing.assert_allclose(values_at(network, points(2)), expected, atol=1e-12)


WIDE = NetworkSize(2, 400, 3, 3)


def assert_drawn(network: Network, name: str, std: float, bound: float = math.inf) -> None:
    """Check that values have mean 0 and a deviation, within what so many are sure to have."""
    values = numbers(network, name)
    error = 4.0 / math.sqrt(values.size)
    assert abs(values.mean()) <= error * std
    np.testing.assert_allclose(values.std(), std, rtol=error)
    assert np.abs(values).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize("family", [Gauss(), Sinc()], ids=lambda family: family.name)
def test_it_starts_as_torch_does(family: Published) -> None:
    network = drawn(family, WIDE)
    for layer, fan_in in ((0, 2), (1, 400), (3, 400)):
        bound = 1 / math.sqrt(fan_in)
        assert_drawn(network, f"layers.{layer}.weight", bound / math.sqrt(3), bound)
    assert_drawn(network, "layers.1.bias", 1 / math.sqrt(3 * 400), 1 / math.sqrt(400))


def test_rectified_units_start_by_he_s_rule() -> None:
    network = drawn(ReluPe(octaves=4), WIDE)
    assert numbers(network, "layers.0.weight").shape == (400, 2 + 2 * 2 * 4)
    for layer, fan_in in ((0, 18), (2, 400)):
        assert_drawn(network, f"layers.{layer}.weight", math.sqrt(2 / fan_in))
        assert_drawn(network, f"layers.{layer}.bias", 1 / math.sqrt(3 * fan_in))


def test_fourier_features_start_by_glorot_s_rule() -> None:
    family = Ffn(s=7.0, rows=300)
    network = drawn(family, WIDE)
    assert_drawn(network, FREQUENCIES, 7.0)
    assert_drawn(network, "layers.0.weight", math.sqrt(2 / (600 + 400)))
    assert_drawn(network, "layers.2.weight", math.sqrt(2 / 800))
    assert not numbers(network, "layers.0.bias").any()
    assert family.frozen(WIDE) == {FREQUENCIES}
