from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sinefit.fitting.budget import Budget
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.measure import estimate_psnr, measure_quality
from sinefit.fitting.samples import TrainingSamples
from sinefit.networks.sine import SineNetwork
from sinefit.networks.size import NetworkSize
from sinefit.rendering import evaluator
from sinefit.signals.array import array_signal

from .making import (
    clip,
    decibels,
    even_picture,
    globe,
    natural,
    outputs_of,
    picture,
    random_network,
    settings,
    sound,
)
from .pretended import DeviceTensor

if TYPE_CHECKING:
    from sinefit.signals.signal import Signal

CPU = torch.device("cpu")


def network_for(signal: Signal) -> SineNetwork:
    spec = signal.spec
    return random_network(NetworkSize(spec.coordinate_features, 12, 2, spec.channels))


def constant_network(*values: float) -> SineNetwork:
    return SineNetwork(
        [torch.zeros((3, 2)), torch.zeros((len(values), 3))],
        [torch.zeros(3), torch.tensor(values)],
    )


@pytest.mark.parametrize("signal", [picture(channels=2), picture(bits=16), clip()])
def test_quality_of_whole_numbers(signal: Signal) -> None:
    network, spec = network_for(signal), signal.spec
    values = (outputs_of(network, spec) + 1) / 2 * spec.high
    truth = signal.samples.astype(np.float64)
    quality = measure_quality(network, TrainingSamples(signal, CPU), spec)
    stored = np.clip(np.rint(values), 0, spec.high)
    assert quality.psnr == pytest.approx(decibels(stored - truth, spec.high), abs=1e-3)
    assert quality.psnr_float == pytest.approx(decibels(values - truth, spec.high), abs=1e-3)


@pytest.mark.parametrize("signal", [sound(), globe(), array_signal(natural((6, 5, 4)) * 7 - 3)])
def test_quality_of_floats(signal: Signal) -> None:
    network, spec = network_for(signal), signal.spec
    values = (outputs_of(network, spec) + 1) / 2 * (spec.high - spec.low) + spec.low
    error = values - signal.samples.astype(np.float64)
    quality = measure_quality(network, TrainingSamples(signal, CPU), spec)
    expected = decibels(error, spec.high - spec.low)
    assert quality.psnr == pytest.approx(expected, abs=1e-3)
    assert quality.psnr_float == pytest.approx(expected, abs=1e-3)
    snr = 20 * math.log10(np.linalg.norm(signal.samples) / np.linalg.norm(error))
    assert quality.snr == pytest.approx(snr, abs=1e-3)


@pytest.mark.parametrize("value", [0, 7, 100, 255])
def test_samples_that_are_met_exactly_have_no_error(value: int) -> None:
    signal = even_picture(value, (3, 5))
    network = constant_network(value / 127.5 - 1 + 1e-3)
    quality = measure_quality(network, TrainingSamples(signal, CPU), signal.spec)
    assert quality.psnr == math.inf
    assert quality.snr == math.inf
    assert quality.psnr_float == pytest.approx(20 * math.log10(2 / 1e-3), abs=0.1)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_the_largest_whole_numbers_do_not_wrap_round(dtype: Any) -> None:
    limits = np.iinfo(dtype)
    signal = array_signal(np.array([[limits.min, limits.max]], dtype))
    # sin(pi x): -1 and 1 at the two centres -1/2 and 1/2 of the last axis.
    network = SineNetwork(
        [torch.tensor([[0.0, math.pi]]), torch.ones((1, 1))], [torch.zeros(1), torch.zeros(1)]
    )
    quality = measure_quality(network, TrainingSamples(signal, CPU), signal.spec)
    assert quality.psnr > 100


def test_pieces_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    signal = picture()
    network, samples = network_for(signal), TrainingSamples(signal, CPU)
    whole = measure_quality(network, samples, signal.spec)
    monkeypatch.setattr(evaluator, "PIECE", 100)
    shares: list[float] = []
    parts = measure_quality(network, samples, signal.spec, shares.append)
    assert parts.psnr == pytest.approx(whole.psnr, abs=1e-6)
    assert parts.psnr_float == pytest.approx(whole.psnr_float, abs=1e-6)
    assert shares == pytest.approx([100 / 480, 200 / 480, 300 / 480, 400 / 480, 1.0])


def test_an_estimate_of_few_samples_is_their_psnr() -> None:
    signal = picture()
    network, samples = network_for(signal), TrainingSamples(signal, CPU)
    exact = measure_quality(network, samples, signal.spec).psnr_float
    assert estimate_psnr(network, samples) == pytest.approx(exact, abs=1e-4)
    assert estimate_psnr(network, samples, 100) == pytest.approx(exact, abs=1.0)
    assert estimate_psnr(network, samples, 100) != exact


def test_an_estimate_looks_at_evenly_spread_samples() -> None:
    step = np.zeros((10, 100), np.float32)
    step[5:] = 1.0
    samples = TrainingSamples(array_signal(step), CPU)
    # Right for the upper half, off by the range of 2 for the lower one: mean square 4 / 2.
    assert estimate_psnr(constant_network(-1.0), samples, 50) == pytest.approx(
        10 * math.log10(4 / 2), abs=0.2
    )


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_network_out_of_bounds_has_no_quality(value: float) -> None:
    signal = picture()
    network = constant_network(value)
    estimate = estimate_psnr(network, TrainingSamples(signal, CPU))
    assert not estimate > -math.inf


def test_a_fit_asks_a_device_for_no_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses, gradients, estimates and the measurement, on a device that has none."""
    signal = picture((12, 10), 3)
    config = settings(budget=Budget(steps=60, target_psnr=12.0), engine="manual", width=12)
    expected = fit_signal(signal, config).report.record
    take = TrainingSamples.batch
    batches = 0

    def batch(samples: TrainingSamples, indices: torch.Tensor) -> tuple[torch.Tensor, ...]:
        nonlocal batches
        batches += 1
        return tuple(DeviceTensor(part) for part in take(samples, indices))

    monkeypatch.setattr(TrainingSamples, "batch", batch)
    assert fit_signal(signal, config).report.record == expected
    assert batches > expected.steps
