from __future__ import annotations

import math

import numpy as np
import pytest

from sinefit.networks.bacon import Bacon
from sinefit.networks.multiplicative import MfnFourier, MfnGabor
from sinefit.networks.size import NetworkSize

from .making import SHAPE, drawn, numbers, points, values_at

SIZE = NetworkSize(2, 7, 3, 2)
WIDE = NetworkSize(2, 600, 3, 2)


def test_a_fourier_network_is_a_product_of_sines() -> None:
    network = drawn(MfnFourier(scale=5.0), SIZE)
    x = points(2)

    def waves(number: int) -> np.ndarray:
        weight = numbers(network, f"filters.{number}.weight")
        return np.asarray(np.sin(x @ weight.T + numbers(network, f"filters.{number}.bias")))

    z = waves(0)
    for layer in range(2):
        weight, bias = (numbers(network, f"layers.{layer}.{part}") for part in ("weight", "bias"))
        z = (z @ weight.T + bias) * waves(layer + 1)
    expected = z @ numbers(network, "layers.2.weight").T + numbers(network, "layers.2.bias")
    np.testing.assert_allclose(values_at(network, x), expected, atol=1e-12)


def test_a_gabor_network_is_a_product_of_wavelets() -> None:
    network = drawn(MfnGabor(scale=5.0), NetworkSize(2, 7, 2, 2))
    x = points(2)

    def wavelets(number: int) -> np.ndarray:
        part = {
            name: numbers(network, f"filters.{number}.{name}")
            for name in ("weight", "bias", "center", "gamma")
        }
        distance = np.square(x[:, None] - part["center"]).sum(axis=2)
        envelope = np.exp(-part["gamma"] / 2 * distance)
        return np.asarray(np.sin(x @ part["weight"].T + part["bias"]) * envelope)

    weight, bias = (numbers(network, f"layers.0.{part}") for part in ("weight", "bias"))
    z = (wavelets(0) @ weight.T + bias) * wavelets(1)
    expected = z @ numbers(network, "layers.1.weight").T + numbers(network, "layers.1.bias")
    np.testing.assert_allclose(values_at(network, x), expected, atol=1e-12)


def test_the_start_of_multiplicative_networks() -> None:
    fourier, gabor = drawn(MfnFourier(), WIDE), drawn(MfnGabor(), WIDE)
    bound = 256 / math.sqrt(3) / math.sqrt(2)
    error = 4 / math.sqrt(1200)
    for network in (fourier, gabor):
        linear = numbers(network, "layers.1.weight")
        assert np.abs(linear).max() <= 1 / math.sqrt(600)
        np.testing.assert_allclose(linear.std(), 1 / math.sqrt(3 * 600), rtol=0.01)
        phases = numbers(network, "filters.1.bias")
        assert 3.1 < np.abs(phases).max() <= math.pi
    frequencies = numbers(fourier, "filters.2.weight")
    assert np.abs(frequencies).max() <= bound
    np.testing.assert_allclose(frequencies.std(), bound / math.sqrt(3), rtol=error)
    width = numbers(gabor, "filters.0.gamma")
    # Gamma(2, 1) has mean and variance 2; 600 values have them to about a tenth.
    np.testing.assert_allclose([width.mean(), width.var()], 2.0, rtol=0.3)
    scaled = numbers(gabor, "filters.0.weight") / np.sqrt(width)[:, None]
    np.testing.assert_allclose(scaled.std(), bound / math.sqrt(3), rtol=error)
    assert np.abs(numbers(gabor, "filters.0.center")).max() <= 1.0


def test_outputs_of_bacon_are_those_of_its_layers() -> None:
    network = drawn(Bacon(), SIZE)
    x = points(2)

    def waves(number: int) -> np.ndarray:
        weight = numbers(network, f"filters.{number}.weight")
        return np.asarray(np.sin(x @ weight.T + numbers(network, f"filters.{number}.bias")))

    z, expected = waves(0), []
    for layer in (1, 2):
        weight, bias = (
            numbers(network, f"layers.{layer - 1}.{part}") for part in ("weight", "bias")
        )
        z = (z @ weight.T + bias) * waves(layer)
        output, bias = (numbers(network, f"outputs.{layer}.{part}") for part in ("weight", "bias"))
        expected.append(z @ output.T + bias)
    np.testing.assert_allclose(values_at(network, x), expected[-1], atol=1e-12)
    import torch

    parameters = {name: value.double() for name, value in network.parameters.items()}
    found = network.family.outputs(parameters, torch.from_numpy(x)[None])
    assert len(found) == 2
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine[0].numpy(), theirs, atol=1e-12)


@pytest.mark.parametrize("band", [1.0, 0.5])
def test_layers_of_bacon_hold_no_frequency_above_their_share(band: float) -> None:
    """Of a signal of n samples, which holds n/2 waves; a filter has a third of them at most."""
    network = drawn(Bacon(band=band), WIDE)
    for number in range(3):
        waves = numbers(network, f"filters.{number}.weight") / math.pi  # over a length of 2
        np.testing.assert_allclose(waves, np.rint(waves), atol=1e-5)
        for axis, samples in enumerate(SHAPE):
            most = round(band * samples / 6)
            assert np.abs(waves[:, axis]).max() == pytest.approx(most)
            # Uniform on the integers from -m to m.
            std = math.sqrt(most * (most + 1) / 3)
            np.testing.assert_allclose(waves[:, axis].std(), std, rtol=4 / math.sqrt(600))


def test_the_spectrum_of_bacon_ends_at_its_band() -> None:
    """On as many samples as a period of the lattice has, no wave is above those of the filters."""
    network = drawn(Bacon(band=0.4), NetworkSize(1, 30, 3, 1))
    x = (np.arange(200)[:, None] + 0.5) / 100 - 1
    spectrum = np.abs(np.fft.rfft(values_at(network, x)[:, 0]))
    highest = 3 * round(0.4 * SHAPE[0] / 6)
    # Multiples of pi are rounded to float32.
    assert spectrum[highest + 1 :].max() < 1e-7 * spectrum.max()
    assert spectrum[: highest + 1].max() == spectrum.max()


def test_weights_of_bacon_are_as_wide_as_relu_s() -> None:
    network = drawn(Bacon(), WIDE)
    bound = math.sqrt(6 / 600)
    for name in ("layers.0.weight", "outputs.2.weight"):
        values = numbers(network, name)
        assert np.abs(values).max() <= bound
        np.testing.assert_allclose(values.std(), bound / math.sqrt(3), rtol=0.1)
