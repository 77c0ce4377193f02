from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.benchmark.clock import device_clock
from sinefit.benchmark.race import TARGETS, Curve, run_race, sinefit_curve, textbook_curve
from tests.fitting.making import decibels, outputs_of, picture, settings

from .making import WorkClock, ignore

CPU = torch.device("cpu")


def test_a_time_is_interpolated_between_its_neighbours() -> None:
    curve = Curve((1.0, 2.0, 6.0), (10.0, 20.0, 40.0))
    assert curve.seconds_to(25.0) == pytest.approx(3.0)
    assert curve.seconds_to(20.0) == pytest.approx(2.0)
    assert curve.seconds_to(40.0) == pytest.approx(6.0)
    assert curve.seconds_to(40.1) is None
    assert curve.seconds_to(5.0) == 1.0


def test_the_first_time_counts() -> None:
    assert Curve((0.0, 1.0, 2.0, 3.0), (0.0, 30.0, 10.0, 40.0)).seconds_to(15.0) == 0.5


@given(
    st.lists(st.floats(0.001, 1e3), min_size=1, max_size=30),
    st.floats(0.1, 50.0),
    st.floats(-20.0, 20.0),
    st.floats(0.0, 1.0),
)
def test_on_a_straight_line_it_is_exact(
    gaps: list[float], slope: float, begin: float, share: float
) -> None:
    seconds = tuple(sum(gaps[:number]) for number in range(len(gaps) + 1))
    curve = Curve(seconds, tuple(begin + slope * second for second in seconds))
    wanted = share * seconds[-1] * 0.999
    found = curve.seconds_to(begin + slope * wanted)
    assert found == pytest.approx(wanted, rel=1e-6, abs=1e-6)


@given(st.integers(1, 200), st.integers(2, 30))
def test_a_thinned_curve_has_both_ends_and_only_points_of_the_whole(count: int, most: int) -> None:
    curve = Curve(tuple(map(float, range(count))), tuple(math.sqrt(i) for i in range(count)))
    thin = curve.thinned(most)
    assert len(thin.seconds) == len(thin.psnr) == min(count, most)
    assert (thin.seconds[0], thin.seconds[-1]) == (curve.seconds[0], curve.seconds[-1])
    assert set(zip(thin.seconds, thin.psnr, strict=True)) <= set(
        zip(curve.seconds, curve.psnr, strict=True)
    )
    assert list(thin.seconds) == sorted(set(thin.seconds))


class Steps:
    """A training whose errors are given; a step takes two seconds."""

    def __init__(self, clock: WorkClock, errors: list[float]) -> None:
        self.clock = clock
        self.errors = iter(errors)

    def step(self) -> torch.Tensor:
        self.clock.work(2.0)
        return torch.tensor(next(self.errors), dtype=torch.float64)


def test_a_loss_is_the_quality_before_its_step() -> None:
    clock = WorkClock()
    # Targets in [-1, 1] have a range of 2: 4 / 0.04 is 20 dB.
    curve = textbook_curve(Steps(clock, [4.0, 0.4, 0.04]), clock, 20.0, 99.0, ignore)
    assert curve.seconds == (0.0, 2.0, 4.0)
    assert curve.psnr == pytest.approx((0.0, 10.0, 20.0))


def test_the_textbook_stops_at_its_limit_and_tells_of_itself() -> None:
    clock = WorkClock()
    told: list[str] = []
    curve = textbook_curve(Steps(clock, [4.0] * 50), clock, 20.0, 15.0, told.append)
    assert curve.seconds == (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0)
    assert [line.rpartition("after ")[2] for line in told] == ["6 s", "12 s"]


def test_the_curve_of_a_fit_leaves_the_time_of_measuring_out() -> None:
    signal = picture((12, 10))
    real = device_clock(CPU)
    measured = 0

    def clock() -> float:
        return real() + 1000.0 * measured

    def measure(*_arguments: object) -> float:
        nonlocal measured
        measured += 1
        return float(measured)

    curve, _ = sinefit_curve(signal, settings(batch=50), clock, seconds=0.2, quality=measure)
    assert curve.psnr[:-1] == tuple(map(float, range(1, measured + 1)))
    assert list(curve.seconds) == sorted(curve.seconds)
    assert curve.seconds[0] > 0
    # Each measurement took a thousand seconds by that clock; a busy machine comes to few of them.
    assert all(second < 1000 for second in curve.seconds)


def test_the_curve_ends_with_the_field_that_is_returned() -> None:
    signal = picture((12, 10), channels=3)
    curve, field = sinefit_curve(signal, settings(batch=50), device_clock(CPU), seconds=0.1)
    error = (outputs_of(field.network, field.spec) + 1) * 127.5 - signal.samples.astype(float)
    assert curve.psnr[-1] == pytest.approx(decibels(error, 255.0), abs=0.01)


def test_a_race_has_both_on_the_same_network() -> None:
    signal = picture((12, 10))
    told: list[str] = []
    race, field = run_race(
        signal,
        settings(width=24, depth=3),
        CPU,
        device_clock(CPU),
        told.append,
        textbook_limit=0.05,
        sinefit_seconds=0.1,
    )
    assert (field.network.size.width, field.network.size.depth) == (24, 3)
    assert race.textbook.psnr[0] < max(TARGETS)
    assert told[-1].startswith("race: sinefit has ")
