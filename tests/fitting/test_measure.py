from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.engines.evaluation import PIECE
from sinefit.fitting.budget import Budget
from sinefit.fitting.fit import Fit
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal, make_plan, train
from sinefit.fitting.measure import (
    FEWEST_MEASURED,
    MeasuringStoppedError,
    estimate_psnr,
    measure_quality,
    measured_samples,
)
from sinefit.fitting.samples import TrainingSamples
from sinefit.fitting.trainer import Trainer
from sinefit.networks.size import NetworkSize
from sinefit.signals.array.reading import array_signal

from .making import (
    clip,
    constant_network,
    decibels,
    even_picture,
    globe,
    natural,
    network_of,
    outputs_of,
    picture,
    random_network,
    settings,
    sound,
)
from .pretended import DeviceTensor
from .stubs import WatchedSamples

if TYPE_CHECKING:
    from torch import Tensor

    from sinefit.networks.network import Network
    from sinefit.signals.signal import Signal

CPU = torch.device("cpu")


def network_for(signal: Signal) -> Network:
    spec = signal.spec
    return random_network(NetworkSize(spec.coordinate_features, 12, 2, spec.channels))


@pytest.mark.parametrize("signal", [picture(channels=2), picture(bits=16), clip()])
def test_quality_of_whole_numbers(signal: Signal) -> None:
    network, spec = network_for(signal), signal.spec
    values = (outputs_of(network, spec) + 1) / 2 * spec.high
    truth = signal.samples.astype(np.float64)
    quality = measure_quality(network, TrainingSamples(signal, CPU))
    stored = np.clip(np.rint(values), 0, spec.high)
    assert quality.psnr == pytest.approx(decibels(stored - truth, spec.high), abs=1e-3)
    assert quality.psnr_float == pytest.approx(decibels(values - truth, spec.high), abs=1e-3)


@pytest.mark.parametrize("signal", [sound(), globe(), array_signal(natural((6, 5, 4)) * 7 - 3)])
def test_quality_of_floats(signal: Signal) -> None:
    network, spec = network_for(signal), signal.spec
    values = (outputs_of(network, spec) + 1) / 2 * (spec.high - spec.low) + spec.low
    error = values - signal.samples.astype(np.float64)
    quality = measure_quality(network, TrainingSamples(signal, CPU))
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
        measure_quality(network, TrainingSamples(signal, CPU)) for signal in (plain, scaled)
    )
    assert math.isfinite(first.psnr)
    assert dataclasses.astuple(second) == pytest.approx(dataclasses.astuple(first))


@pytest.mark.parametrize("value", [0, 7, 100, 255])
def test_samples_that_are_met_exactly_have_no_error(value: int) -> None:
    signal = even_picture(value, (3, 5))
    network = constant_network(value / 127.5 - 1 + 1e-3)
    quality = measure_quality(network, TrainingSamples(signal, CPU))
    assert quality.psnr == math.inf
    assert quality.snr == math.inf
    assert quality.psnr_float == pytest.approx(20 * math.log10(2 / 1e-3), abs=0.1)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_the_largest_whole_numbers_do_not_wrap_round(dtype: Any) -> None:
    limits = np.iinfo(dtype)
    signal = array_signal(np.array([[limits.min, limits.max]], dtype))
    # sin(pi x): -1 and 1 at the two centres -1/2 and 1/2 of the last axis.
    network = network_of((np.array([[0.0, math.pi]]), np.zeros(1)), (np.ones((1, 1)), np.zeros(1)))
    quality = measure_quality(network, TrainingSamples(signal, CPU))
    assert quality.psnr > 100


LONG = array_signal(natural((200, 110)).astype(np.float32))
"""Floats, which the evaluator of two buffers takes by its pieces, on every machine."""


def test_pieces_do_not_show() -> None:
    network, samples = network_for(LONG), TrainingSamples(LONG, CPU)
    values = (outputs_of(network, LONG.spec) + 1) / 2 * (LONG.spec.high - LONG.spec.low)
    error = values + LONG.spec.low - LONG.samples.astype(np.float64)
    shares: list[float] = []
    quality = measure_quality(network, samples, shares.append)
    expected = decibels(error, LONG.spec.high - LONG.spec.low)
    assert quality.psnr_float == pytest.approx(expected, abs=1e-3)
    assert shares == pytest.approx([PIECE / 22000, 2 * PIECE / 22000, 1.0])


def test_an_estimate_of_few_samples_is_their_psnr() -> None:
    signal = picture()
    network, samples = network_for(signal), TrainingSamples(signal, CPU)
    exact = measure_quality(network, samples).psnr_float
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


def strata_of(signal: Signal, count: int, seed: int) -> list[int]:
    """The numbers of the samples that an estimate looks at."""
    samples = WatchedSamples(signal)
    measure_quality(network_for(signal), samples, count=count, seed=seed)
    return samples.asked


@pytest.mark.parametrize("count", [1, 7, 100, 479])
def test_an_estimate_takes_one_sample_of_each_part(count: int) -> None:
    signal = picture()
    asked = strata_of(signal, count, seed=3)
    total = signal.spec.sample_count
    assert len(asked) == count
    for part, number in enumerate(asked):
        assert part * total // count <= number < (part + 1) * total // count
    assert strata_of(signal, count, seed=3) == asked
    # Two parts in a row are hardly of one sample.
    assert strata_of(signal, count, seed=4) != asked


@pytest.mark.processor
def test_the_samples_of_an_estimate_do_not_hang_on_its_pieces() -> None:
    # On tile registers 8 bits are evaluated in pieces of another size than floats are.
    shallow = picture(LONG.spec.shape)  # type: ignore[arg-type]
    assert strata_of(LONG, 20000, seed=3) == strata_of(shallow, 20000, seed=3)
    assert strata_of(LONG, 20000, seed=3) != strata_of(LONG, 20000, seed=4)


def test_an_estimate_is_near_the_figure_of_all_samples() -> None:
    signal = picture((200, 150), channels=3)
    network, samples = network_for(signal), TrainingSamples(signal, CPU)
    exact = measure_quality(network, samples)
    estimate = measure_quality(network, samples, count=3000)
    for name in ("psnr", "psnr_float", "snr"):
        assert getattr(estimate, name) == pytest.approx(getattr(exact, name), abs=0.3)
        assert getattr(estimate, name) != getattr(exact, name)


@given(st.integers(1, 2**40), st.integers(0, 2**40), st.integers(1, 10**8))
def test_measuring_is_a_small_share_of_the_training(count: int, trained: int, weights: int) -> None:
    measured = measured_samples(count, trained, weights)
    assert min(count, FEWEST_MEASURED) <= measured <= count
    if measured > FEWEST_MEASURED:
        assert measured <= trained / 20 or measured * (weights + 50_000) <= 5e10
    assert measured_samples(count, 20 * count, weights) == count


def test_the_photographs_of_the_figures_are_measured_as_a_whole() -> None:
    assert measured_samples(768 * 512, 2000 * 4096, 445_000) == 768 * 512


def test_measuring_can_be_stopped_between_pieces() -> None:
    shares: list[float] = []
    with pytest.raises(MeasuringStoppedError):
        measure_quality(
            network_for(LONG),
            TrainingSamples(LONG, CPU),
            shares.append,
            should_stop=lambda: len(shares) == 2,
        )
    assert shares == pytest.approx([PIECE / 22000, 2 * PIECE / 22000])


class DeviceSamples(WatchedSamples):
    """Samples on a device without float64."""

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        coordinates, targets = super().batch(indices)
        return DeviceTensor(coordinates), DeviceTensor(targets)


def test_a_fit_asks_a_device_for_no_float64() -> None:
    """Losses, gradients, estimates and the measurement, on a device that has none."""
    signal = picture((12, 10), 3)
    config = settings(budget=Budget(steps=60, target_psnr=12.0), engine="torch", width=12)
    expected = fit_signal(signal, config).report.record
    plan, samples = make_plan(signal, config), DeviceSamples(signal)
    trainer = Trainer([plan], [samples])
    fit = Fit(signal, plan, samples, trainer, FitHooks())
    train([fit], trainer)
    assert fit.finish().report.record == expected
    assert len(samples.asked) > expected.steps * 120
