from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.fitting.budget import Budget
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.measure import (
    FEWEST_MEASURED,
    MeasuringStoppedError,
    estimate_psnr,
    measure_quality,
    measured_samples,
)
from sinefit.fitting.samples import TrainingSamples
from sinefit.networks.sine import SineNetwork
from sinefit.networks.size import NetworkSize
from sinefit.rendering import evaluator
from sinefit.signals.array.reading import array_signal

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
    from torch import Tensor

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


@pytest.mark.parametrize("factor", [2.0**-990, 2.0**990])
def test_quality_does_not_hang_on_the_unit_of_the_values(factor: float) -> None:
    plain, scaled = (array_signal(natural((6, 5)) * unit - unit / 3) for unit in (1.0, factor))
    network = network_for(plain)
    first, second = (
        measure_quality(network, TrainingSamples(signal, CPU), signal.spec)
        for signal in (plain, scaled)
    )
    assert math.isfinite(first.psnr)
    assert dataclasses.astuple(second) == pytest.approx(dataclasses.astuple(first))


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


class WatchedSamples(TrainingSamples):
    """Samples that keep the numbers of those that were asked for."""

    def __init__(self, signal: Signal) -> None:
        super().__init__(signal, CPU)
        self.asked: list[int] = []

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        self.asked += indices.tolist()
        return super().batch(indices)


@pytest.mark.parametrize("count", [1, 7, 100, 479])
def test_an_estimate_takes_one_sample_of_each_part(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = picture()
    network, samples = network_for(signal), WatchedSamples(signal)
    measure_quality(network, samples, signal.spec, count=count, seed=3)
    total = signal.spec.sample_count
    assert len(samples.asked) == count
    for part, number in enumerate(samples.asked):
        assert part * total // count <= number < (part + 1) * total // count
    for seed, piece in ((3, 10), (4, 8192)):
        monkeypatch.setattr(evaluator, "PIECE", piece)
        again = WatchedSamples(signal)
        measure_quality(network, again, signal.spec, count=count, seed=seed)
        # The seed decides, not the size of the pieces; two parts in a row are hardly of one sample.
        assert (again.asked == samples.asked) == (seed == 3)


def test_an_estimate_is_near_the_figure_of_all_samples() -> None:
    signal = picture((200, 150), channels=3)
    network, samples = network_for(signal), TrainingSamples(signal, CPU)
    exact = measure_quality(network, samples, signal.spec)
    estimate = measure_quality(network, samples, signal.spec, count=3000)
    for name in ("psnr", "psnr_float", "snr"):
        assert getattr(estimate, name) == pytest.approx(getattr(exact, name), abs=0.3)
        assert getattr(estimate, name) != getattr(exact, name)


@given(st.integers(1, 2**40), st.integers(0, 2**40), st.integers(1, 10**8))
def test_measuring_is_a_small_share_of_the_training(count: int, trained: int, weights: int) -> None:
    measured = measured_samples(count, trained, weights)
    assert min(count, FEWEST_MEASURED) <= measured <= count
    if measured > FEWEST_MEASURED:
        assert measured <= trained / 20 or measured * (weights + 50_000) <= 2e11
    assert measured_samples(count, 20 * count, weights) == count


def test_the_photographs_of_the_figures_are_measured_as_a_whole() -> None:
    assert measured_samples(768 * 512, 1, 445_000) == 768 * 512


def test_measuring_can_be_stopped_between_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator, "PIECE", 100)
    signal = picture()
    shares: list[float] = []
    with pytest.raises(MeasuringStoppedError):
        measure_quality(
            network_for(signal),
            TrainingSamples(signal, CPU),
            signal.spec,
            shares.append,
            should_stop=lambda: len(shares) == 2,
        )
    assert shares == pytest.approx([100 / 480, 200 / 480])


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
