from __future__ import annotations

import math

import pytest
import torch

from sinefit.benchmark.clock import device_clock
from sinefit.benchmark.peak import Peak, ProductRates, floor_pace, measure_peak
from sinefit.networks.size import NetworkSize

from .making import WorkClock

CPU = torch.device("cpu")


def test_the_floor_of_given_rates() -> None:
    # Width 256, four sine layers, two coordinates, three values:
    # 2 * 256 + 3 * 65536 + 256 * 3 = 197888 weights, 197376 of them not in the first layer.
    peak = Peak((ProductRates("bfloat16", 2e12, 3e12, 1e12),), 5e9)
    seconds = 2 * 197888 / 2e12 + 2 * 197376 / 3e12 + 2 * 197888 / 1e12 + 2048 / 5e9
    assert floor_pace(NetworkSize(2, 256, 4, 3), peak) == pytest.approx(1 / seconds)


def test_the_floor_takes_the_faster_operands_of_each_product() -> None:
    slow = ProductRates("float32", 1e9, 1e9, 8e9)
    fast = ProductRates("bfloat16", 4e9, 2e9, 1e9)
    size = NetworkSize(1, 10, 2, 1)
    both = floor_pace(size, Peak((slow, fast), math.inf))
    assert both == floor_pace(size, Peak((ProductRates("best", 4e9, 2e9, 8e9),), math.inf))
    assert both == pytest.approx(1 / (2 * 120 / 4e9 + 2 * 110 / 2e9 + 2 * 120 / 8e9))


class TimedOperations:
    """Operations that take so many seconds of a clock."""

    def __init__(self, clock: WorkClock) -> None:
        self._clock = clock

    def mm(self, first: torch.Tensor, second: torch.Tensor, /, *, out: torch.Tensor) -> None:
        self._clock.work(0.25)
        torch.mm(first, second, out=out)

    def sin(self, values: torch.Tensor, /, *, out: torch.Tensor) -> None:
        self._clock.work(0.5)
        torch.sin(values, out=out)


def test_products_are_counted_by_their_operations() -> None:
    clock = WorkClock()
    threads = torch.get_num_threads()
    peak = measure_peak(NetworkSize(2, 16, 3, 1), CPU, clock, 0.1, TimedOperations(clock))
    assert [rates.operands for rates in peak.products] == ["float32", "bfloat16"]
    for rates in peak.products:
        expected = pytest.approx(2 * 4096 * 16 * 16 / 0.25)
        for rate in (rates.forward, rates.input_gradient, rates.weight_gradient):
            assert rate == expected
    assert peak.sines == pytest.approx(32768 * threads / 0.5)


class SingleOperations:
    """Operations of a device that multiplies numbers of 32 bits only."""

    def mm(self, first: torch.Tensor, second: torch.Tensor, /, *, out: torch.Tensor) -> None:
        if out.dtype == torch.bfloat16:
            raise RuntimeError("not implemented for 'BFloat16'")
        torch.mm(first, second, out=out)

    def sin(self, values: torch.Tensor, /, *, out: torch.Tensor) -> None:
        torch.sin(values, out=out)


def test_operands_that_a_device_does_not_multiply_are_left_out() -> None:
    size = NetworkSize(2, 8, 2, 1)
    peak = measure_peak(size, CPU, device_clock(CPU), 0.001, SingleOperations())
    assert [rates.operands for rates in peak.products] == ["float32"]
    assert 0 < floor_pace(size, peak) < math.inf


def test_the_peak_of_this_machine() -> None:
    size = NetworkSize(2, 8, 2, 1)
    peak = measure_peak(size, CPU, device_clock(CPU), 0.001)
    assert 0 < floor_pace(size, peak) < math.inf
