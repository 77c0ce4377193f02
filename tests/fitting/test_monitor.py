from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.fitting.budget import Budget
from sinefit.fitting.monitor import Monitor, Standing

STEPS = Budget(steps=1000)


def loss_of(psnr: float) -> float:
    """The mean squared error over the range from -1 to 1 that has this PSNR."""
    return 4.0 * math.pow(10.0, -psnr / 10.0)


def monitor(initial: float = 10.0, budget: Budget = STEPS, *, continued: bool = False) -> Monitor:
    standing = Standing(initial, cycle_psnr=initial, latest=initial)
    return Monitor(dataclasses.replace(standing, continued=continued), budget)


@given(st.floats(-50, 150))
def test_the_latest_quality_is_that_of_the_losses(psnr: float) -> None:
    seen = monitor(10.0)
    seen.look(loss_of(psnr), 0.1)
    assert seen.standing.latest == pytest.approx(psnr)


def test_the_sixth_report_in_a_row_below_the_start_is_divergence() -> None:
    seen = monitor(20.0)
    reports = [18.9, 18.9, 18.9, 18.9, 18.9, 19.1, 18.9, 18.9, 18.9, 18.9, 18.9, 18.9]
    diverged = [seen.look(loss_of(psnr), 0.1).diverged for psnr in reports]
    assert diverged == [False] * 11 + [True]


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_divergence_at_once(loss: float) -> None:
    seen = monitor()
    look = seen.look(loss, 0.9)
    assert look.diverged
    assert not look.refine
    assert seen.standing.latest == -math.inf


@pytest.mark.parametrize(("initial", "floor"), [(8.0, 7.0), (15.0, 14.0), (60.0, 14.0)])
def test_a_fit_that_continues_a_good_one_may_fall_far(initial: float, floor: float) -> None:
    assert monitor(initial, continued=True).floor == floor
    assert monitor(initial).floor == initial - 1.0


@given(st.floats(0, 1), st.floats(20, 80))
def test_precision_is_refined_late_in_a_good_fit(share: float, psnr: float) -> None:
    seen = monitor()
    look = seen.look(loss_of(psnr), share)
    assert look.refine == (share >= 0.8 and seen.standing.latest >= 50.0)
    seen.standing.refined = True
    assert not seen.look(loss_of(psnr), share).refine


@given(st.floats(0, 60), st.floats(0, 60))
def test_a_target_is_measured_when_the_batches_come_near_it(target: float, psnr: float) -> None:
    seen = monitor(budget=Budget(steps=10, target_psnr=target))
    look = seen.look(loss_of(psnr), 0.5)
    assert look.near_target == (seen.standing.latest >= target - 1.5)
    assert not monitor().look(loss_of(psnr), 0.5).near_target


def test_a_cycle_that_brings_less_than_a_tenth_of_a_decibel_is_in_vain() -> None:
    seen = monitor(10.0, Budget(target_psnr=90.0))
    reached = [20.0, 20.5, 20.61, 20.7]
    assert [seen.ends_cycle(cycle, psnr) for cycle, psnr in enumerate(reached, 1)] == [
        False,
        False,
        False,
        True,
    ]
    assert (seen.standing.cycle, seen.standing.cycle_psnr) == (4, 20.7)
