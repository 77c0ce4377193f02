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
from sinefit.fitting.fit import Fit
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.lattice import lattice, whole
from sinefit.fitting.loop import fit_signal, make_plan, train
from sinefit.fitting.measure import (
    FEWEST_MEASURED,
    Blend,
    MeasuringStoppedError,
    estimate_psnr,
    measure_quality,
    measured_samples,
)
from sinefit.fitting.measured import PIECE
from sinefit.fitting.samples import PartSamples
from sinefit.fitting.trainer import Trainer
from sinefit.networks.network import Network
from sinefit.networks.size import NetworkSize
from sinefit.signals.array.reading import array_signal
from sinefit.signals.blocks import BlockGrid

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
    from sinefit.signals.signal import Signal

CPU = torch.device("cpu")


def network_for(signal: Signal) -> Network:
    spec = signal.spec
    return random_network(NetworkSize(spec.coordinate_features, 12, 2, spec.channels))


def blend(network: Network, signal: Signal) -> Blend:
    """A network on the whole of a signal."""
    return Blend(network, BlockGrid.single(signal.spec))


@pytest.mark.parametrize("signal", [picture(channels=2), picture(bits=16), clip()])
def test_quality_of_whole_numbers(signal: Signal) -> None:
    network, spec = network_for(signal), signal.spec
    values = (outputs_of(network, spec) + 1) / 2 * spec.high
    truth = signal.samples.astype(np.float64)
    quality = measure_quality(blend(network, signal), signal)
    stored = np.clip(np.rint(values), 0, spec.high)
    assert quality.psnr == pytest.approx(decibels(stored - truth, spec.high), abs=1e-3)
    assert quality.psnr_float == pytest.approx(decibels(values - truth, spec.high), abs=1e-3)


@pytest.mark.parametrize("signal", [sound(), globe(), array_signal(natural((6, 5, 4)) * 7 - 3)])
def test_quality_of_floats(signal: Signal) -> None:
    network, spec = network_for(signal), signal.spec
    values = (outputs_of(network, spec) + 1) / 2 * (spec.high - spec.low) + spec.low
    error = values - signal.samples.astype(np.float64)
    quality = measure_quality(blend(network, signal), signal)
    expected = decibels(error, spec.high - spec.low)
    assert quality.psnr == pytest.approx(expected, abs=1e-3)
    assert quality.psnr_float == pytest.approx(expected, abs=1e-3)
    snr = 20 * math.log10(np.linalg.norm(signal.samples) / np.linalg.norm(error))
    assert quality.snr == pytest.approx(snr, abs=1e-3)


@pytest.mark.parametrize("factor", [2.0**-990, 2.0**990])
def test_quality_does_not_hang_on_the_unit_of_the_values(factor: float) -> None:
    plain, scaled = (array_signal(natural((6, 5)) * unit - unit / 3) for unit in (1.0, factor))
    network = network_for(plain)
    first, second = (measure_quality(blend(network, signal), signal) for signal in (plain, scaled))
    assert math.isfinite(first.psnr)
    assert dataclasses.astuple(second) == pytest.approx(dataclasses.astuple(first))


@pytest.mark.parametrize("value", [0, 7, 100, 255])
def test_samples_that_are_met_exactly_have_no_error(value: int) -> None:
    signal = even_picture(value, (3, 5))
    network = constant_network(value / 127.5 - 1 + 1e-3)
    quality = measure_quality(blend(network, signal), signal)
    assert quality.psnr == math.inf
    assert quality.snr == math.inf
    assert quality.psnr_float == pytest.approx(20 * math.log10(2 / 1e-3), abs=0.1)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_the_largest_whole_numbers_do_not_wrap_round(dtype: Any) -> None:
    limits = np.iinfo(dtype)
    signal = array_signal(np.array([[limits.min, limits.max]], dtype))
    # sin(pi x): -1 and 1 at the two centres -1/2 and 1/2 of the last axis.
    network = network_of((np.array([[0.0, math.pi]]), np.zeros(1)), (np.ones((1, 1)), np.zeros(1)))
    quality = measure_quality(blend(network, signal), signal)
    assert quality.psnr > 100


LONG = picture((300, 900))
"""A picture that is evaluated by pieces of some rows."""


def test_pieces_do_not_show() -> None:
    network, spec = network_for(LONG), LONG.spec
    error = (outputs_of(network, spec) + 1) / 2 * spec.high - LONG.samples.astype(np.float64)
    shares: list[float] = []
    quality = measure_quality(blend(network, LONG), LONG, shares.append)
    assert quality.psnr_float == pytest.approx(decibels(error, spec.high), abs=1e-3)
    assert quality.samples == spec.sample_count > 3 * PIECE
    assert len(shares) >= 4
    assert shares == sorted(set(shares))
    assert shares[-1] == pytest.approx(1.0)


def test_an_estimate_of_few_samples_is_their_psnr() -> None:
    signal = picture()
    field = blend(network_for(signal), signal)
    exact = measure_quality(field, signal).psnr_float
    assert estimate_psnr(field, signal) == pytest.approx(exact, abs=1e-4)
    assert estimate_psnr(field, signal, 100) == pytest.approx(exact, abs=1.0)
    assert estimate_psnr(field, signal, 100) != exact


def test_an_estimate_looks_at_evenly_spread_samples() -> None:
    step = np.zeros((10, 100), np.float32)
    step[5:] = 1.0
    signal = array_signal(step)
    # Right for the upper half, off by the range of 2 for the lower one: mean square 4 / 2.
    assert estimate_psnr(blend(constant_network(-1.0), signal), signal, 50) == pytest.approx(
        10 * math.log10(4 / 2), abs=0.2
    )


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_network_out_of_bounds_has_no_quality(value: float) -> None:
    signal = picture()
    assert not estimate_psnr(blend(constant_network(value), signal), signal) > -math.inf


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 200))
def test_an_estimate_is_the_error_on_its_lattice(rows: int, columns: int, count: int) -> None:
    signal = picture((rows, columns))
    network = network_for(signal)
    index = np.ix_(*lattice(whole((rows, columns)), count))
    values = (outputs_of(network, signal.spec)[index] + 1) / 2 * 255
    truth = signal.samples[index].astype(np.float64)
    quality = measure_quality(blend(network, signal), signal, count=count)
    assert quality.samples == math.prod(truth.shape[:2]) <= count
    assert quality.psnr_float == pytest.approx(decibels(values - truth, 255), abs=1e-2)


def test_the_field_of_several_blocks_is_measured_where_it_is_blended() -> None:
    """By networks that are constant: the sum of their windows' shares, one for all of them."""
    signal = even_picture(255, (20, 30))
    blocks = BlockGrid.over(signal.spec, (2, 3), (2, 4))
    values = np.linspace(-0.5, 0.5, 6)
    stack = Network.stack([constant_network(value) for value in values])
    windows = np.zeros((20, 30))
    for number in range(6):
        shares = []
        for axis, place in zip(blocks.axes, blocks.places(number), strict=True):
            begin, end = axis.reach(place)
            share = np.zeros(axis.size)
            share[begin:end] = axis.window(place, np.arange(begin, end, dtype=np.float64) + 0.5)
            shares.append(share)
        windows += values[number] * np.outer(*shares)
    quality = measure_quality(Blend(stack, blocks), signal)
    assert quality.psnr_float == pytest.approx(decibels(windows - 1, 2), abs=1e-3)
    assert estimate_psnr(Blend(stack, blocks), signal) == pytest.approx(
        quality.psnr_float, abs=1e-3
    )


def test_an_estimate_is_near_the_figure_of_all_samples() -> None:
    signal = picture((200, 150), channels=3)
    field = blend(network_for(signal), signal)
    exact = measure_quality(field, signal)
    estimate = measure_quality(field, signal, count=3000)
    assert 1000 < estimate.samples <= 3000
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
            blend(network_for(LONG), LONG),
            LONG,
            shares.append,
            should_stop=lambda: len(shares) == 2,
        )
    assert shares[0] < shares[1] < 1.0
    assert len(shares) == 2


class DeviceSamples(PartSamples):
    """Samples on a device without float64, until they are measured."""

    def __init__(self, signal: Signal, blocks: BlockGrid) -> None:
        super().__init__(signal, blocks, CPU)
        self.whole = WatchedSamples(signal, dressed=DeviceTensor)

    def of(self, number: int) -> WatchedSamples:
        assert number == 0
        return self.whole


def test_a_fit_asks_a_device_for_no_float64() -> None:
    """Losses and gradients, on a device that has none."""
    signal = picture((12, 10), 3)
    config = settings(budget=Budget(steps=60, target_psnr=12.0), engine="torch", width=12)
    expected = fit_signal(signal, config).report.record
    plan = make_plan(signal, config)
    samples = DeviceSamples(signal, plan.blocks)
    trainer = Trainer([plan], [samples])
    fit = Fit(signal, plan, trainer, FitHooks())
    train([fit], trainer)
    assert fit.finish().report.record == expected
    assert len(samples.whole.asked) >= expected.steps * 120
