from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import torch

from sinefit.benchmark.textbook import Siren, TextbookTraining
from sinefit.networks.size import NetworkSize
from tests.fitting.making import picture

if TYPE_CHECKING:
    from torch import nn


def layers_of(network: Siren) -> list[nn.Linear]:
    return cast("list[nn.Linear]", list(network.layers))


CPU = torch.device("cpu")


def test_steps_are_those_of_the_paper() -> None:
    """Hold three steps in float64 against the chain rule and Adam's formulas written out."""
    signal = picture((9, 7), channels=2)
    training = TextbookTraining(signal, NetworkSize(2, 8, 3, 2), CPU)
    training.network.double()
    training.coordinates = training.coordinates.double()
    training.targets = training.targets.double()

    rows, columns = signal.spec.shape
    y, x = np.meshgrid(
        (2 * np.arange(rows) + 1) / rows - 1,
        (2 * np.arange(columns) + 1) / columns - 1,
        indexing="ij",
    )
    X = np.stack([y, x], axis=-1).reshape(-1, 2)
    T = signal.samples.reshape(-1, 2).astype(np.float64) / 255.0 * 2.0 - 1.0
    np.testing.assert_allclose(training.coordinates, X, atol=1e-7)
    np.testing.assert_allclose(training.targets, T, atol=1e-7)
    X, T = training.coordinates.numpy(), training.targets.numpy()

    W = [layer.weight.detach().numpy().copy() for layer in layers_of(training.network)]
    b = [layer.bias.detach().numpy().copy() for layer in layers_of(training.network)]
    parameters = [*W, *b]
    first = [np.zeros_like(value) for value in parameters]
    second = [np.zeros_like(value) for value in parameters]
    for step in range(1, 4):
        hidden, phases = [X], []
        for layer in range(3):
            phases.append(30.0 * (hidden[-1] @ W[layer].T + b[layer]))
            hidden.append(np.sin(phases[-1]))
        error = hidden[-1] @ W[3].T + b[3] - T
        assert float(training.step()) == pytest.approx(np.mean(error**2), rel=1e-12)

        delta = 2.0 * error / error.size
        gradients_W, gradients_b = [delta.T @ hidden[3]], [delta.sum(0)]
        for layer in (2, 1, 0):
            delta = delta @ W[layer + 1] * np.cos(phases[layer]) * 30.0
            gradients_W.insert(0, delta.T @ hidden[layer])
            gradients_b.insert(0, delta.sum(0))
        for m, v, value, gradient in zip(
            first, second, parameters, [*gradients_W, *gradients_b], strict=True
        ):
            m += 0.1 * (gradient - m)
            v += 0.001 * (gradient**2 - v)
            value -= 1e-4 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    for layer in range(4):
        module = layers_of(training.network)[layer]
        np.testing.assert_allclose(module.weight.detach(), W[layer], rtol=0, atol=1e-10)
        np.testing.assert_allclose(module.bias.detach(), b[layer], rtol=0, atol=1e-10)


def test_the_start_is_uniform_within_the_papers_bounds() -> None:
    network = Siren(NetworkSize(2, 256, 4, 3), torch.Generator().manual_seed(1))
    hidden = math.sqrt(6 / 256) / 30
    bounds = [(1 / 2, 1 / math.sqrt(2)), *[(hidden, 1 / 16)] * 4]
    shapes = []
    for layer, both in zip(layers_of(network), bounds, strict=True):
        shapes.append(tuple(layer.weight.shape))
        drawn = (layer.weight.detach(), layer.bias.detach())
        for values, bound in zip(drawn, both, strict=True):
            assert float(values.abs().max()) <= bound
            if values.numel() > 250:
                # The standard deviation of U(-bound, bound), and values out to its ends.
                assert float(values.std()) == pytest.approx(bound / math.sqrt(3), rel=0.1)
                assert float(values.abs().max()) > 0.97 * bound
    assert shapes == [(256, 2), (256, 256), (256, 256), (256, 256), (3, 256)]


def test_a_seed_decides_and_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    signal, size = picture(), NetworkSize(2, 8, 2, 1)
    losses = [float(TextbookTraining(signal, size, CPU, seed).step()) for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]
    assert torch.equal(torch.get_rng_state(), before)


def test_it_learns() -> None:
    training = TextbookTraining(picture(), NetworkSize(2, 64, 3, 1), CPU)
    begin = float(training.step())
    for _ in range(60):
        training.step()
    assert float(training.step()) < begin / 2
    assert training.count == 24 * 20
