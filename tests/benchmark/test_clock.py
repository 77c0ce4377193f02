from __future__ import annotations

import pytest
import torch

from sinefit.benchmark.clock import calls_per_second, device_clock, median_ratio, paces_in_turn
from sinefit.fitting.devices import resolve_device

from .making import WorkClock


@pytest.mark.parametrize("cost", [1e-6, 3e-4, 0.5, 20.0])
def test_the_rate_is_one_over_the_cost_of_a_call(cost: float) -> None:
    clock = WorkClock()
    rate = calls_per_second(lambda: clock.work(cost), clock, 1.0)
    assert rate == pytest.approx(1.0 / cost, rel=1e-6)


@pytest.mark.parametrize("cost", [1e-6, 3e-4, 0.01])
def test_it_takes_about_as_long_as_asked(cost: float) -> None:
    clock = WorkClock()
    begin = clock()
    calls_per_second(lambda: clock.work(cost), clock, 1.0)
    assert 1.0 <= clock() - begin < 1.1


def test_the_clock_is_not_read_after_every_short_call() -> None:
    clock = WorkClock()
    calls = readings = 0

    def work() -> None:
        nonlocal calls
        calls += 1
        clock.work(1e-6)

    def read() -> float:
        nonlocal readings
        readings += 1
        return clock()

    calls_per_second(work, read, 0.1)
    assert calls > 500 * readings


def test_the_best_burst_counts() -> None:
    clock = WorkClock()
    costs = iter([9.0, 2.0, 1.0, 4.0])  # the first call is before the clock is read
    assert calls_per_second(lambda: clock.work(next(costs)), clock, 7.0) == 1.0


def test_work_takes_turns() -> None:
    clock = WorkClock()
    order = []

    def work(name: str, cost: float, done: int) -> int:
        order.append(name)
        clock.work(cost)
        return done

    paces = paces_in_turn(
        (lambda: work("slow", 5.0, 100), lambda: work("fast", 0.5, 30)), clock, 2.0, rounds=2
    )
    assert paces == [[20.0, 20.0], [60.0, 60.0]]
    # A turn ends with the first call that ends after its two seconds.
    assert order == ["slow", *["fast"] * 4] * 2


def test_the_ratio_is_taken_round_by_round() -> None:
    # A disturbance that halves both in one round leaves the ratio as it is.
    assert median_ratio([30.0, 15.0, 30.0], [10.0, 5.0, 5.0]) == 3.0


def test_a_clock_goes_on() -> None:
    clock = device_clock(torch.device("cpu"))
    assert clock() <= clock()


def test_a_clock_waits_for_its_device() -> None:
    device = torch.device("cuda:1")
    waited: list[torch.device] = []
    device_clock(device, {"cuda": waited.append})()
    assert waited == [device]
    device_clock(torch.device("cpu"), {"cuda": waited.append})()
    assert waited == [device]


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_a_device_that_is_not_there_cannot_be_waited_for(kind: str) -> None:
    if kind == resolve_device("auto").type:
        device_clock(torch.device(kind))()
        return
    with pytest.raises((AssertionError, RuntimeError)):
        device_clock(torch.device(kind))()
