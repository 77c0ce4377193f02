from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import DeviceError
from sinefit.fitting.budget import Budget
from sinefit.fitting.checkpoint import decode_checkpoint, encode_checkpoint
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.pace import Trial, settled, step_law
from sinefit.fitting.report import FitStoppedError
from sinefit.fitting.samples import TrainingSamples
from sinefit.fitting.training import Training

from .making import picture, settings

if TYPE_CHECKING:
    from torch import Tensor

CPU = torch.device("cpu")


class Clock:
    """A clock that training steps move on, by what they would take elsewhere."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, each: float, exponent: float) -> None:
        self.now = 0.0
        self.steps: list[int] = []
        """The width of each step that was taken."""
        real = Training.step_on

        def step_on(training: Training, indices: Tensor, factor: float) -> Tensor:
            width = training.network.size.width
            self.now += each * (width / 64) ** exponent
            self.steps.append(width)
            return real(training, indices, factor)

        monkeypatch.setattr(Training, "step_on", step_on)

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("exponent", [1.2, 1.5, 1.9])
@pytest.mark.parametrize("each", [0.003, 0.02, 0.1])
def test_the_width_leaves_the_steps_that_are_wanted(
    each: float, exponent: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch, each, exponent)
    signal = picture((96, 80), channels=3)
    config = settings(width=None, depth=3, batch=16, budget=Budget(max_time=60.0))
    found = settled(config, signal, clock=clock)
    assert found.width is not None
    takes = each * (found.width / 64) ** exponent
    assert found.planned_steps == pytest.approx(60.0 / takes, rel=0.01)
    assert found.expected_steps(signal.spec) == found.planned_steps
    # 4000 for a picture of 768x512, by the fourth root of the number of values.
    wanted = 4000 * (96 * 80 / (768 * 512)) ** 0.25
    assert found.planned_steps < 1.5 * wanted or 2 * found.width**2 >= 1.5 * 96 * 80 * 3
    if 60.0 / each > 6 * wanted:
        assert found.planned_steps > 0.6 * wanted
    assert dataclasses.replace(found, width=None, planned_steps=None) == config


@pytest.mark.parametrize("seconds", [3.0, 60.0, 6000.0])
def test_trials_take_a_small_share_of_the_budget(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch, 0.001, 1.5)
    settled(settings(width=None, budget=Budget(max_time=seconds)), picture(), clock=clock)
    longest = 0.001 * (max(clock.steps) / 64) ** 1.5
    # Each trial takes a step to warm up, and ends with the step that its time is up in.
    assert clock.now <= min(0.03 * seconds, 0.5) + 3 * 2 * longest


def test_a_width_that_is_given_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 0.01, 2.0)
    found = settled(settings(width=64, budget=Budget(max_time=9.0)), picture(), clock=clock)
    assert set(clock.steps) == {found.width} == {64}
    assert found.planned_steps == pytest.approx(900, abs=1)


@pytest.mark.parametrize(
    "budget", [None, Budget(steps=5), Budget(target_psnr=30.0), Budget(steps=3, target_psnr=9.0)]
)
def test_nothing_is_tried_without_a_budget_in_seconds(
    budget: Budget | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch, 1.0, 1.0)
    config = settings(width=None, budget=budget)
    assert settled(config, picture(), clock=clock) == config
    assert not clock.steps


def test_what_was_decided_is_kept_in_the_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    signal = picture()
    config = settings(width=None, budget=Budget(max_time=3600.0))
    with pytest.raises(FitStoppedError) as caught:
        fit_signal(signal, config, hooks=FitHooks(should_stop=lambda: True))
    checkpoint = decode_checkpoint(encode_checkpoint(caught.value.checkpoint), "name")
    assert checkpoint.config.planned_steps is not None
    clock = Clock(monkeypatch, 1.0, 1.0)
    found = settled(config, signal, checkpoint, clock=clock)
    assert not clock.steps
    assert found.planned_steps == checkpoint.config.planned_steps
    assert found.width == checkpoint.field.network.size.width
    again = fit_signal(
        signal, dataclasses.replace(found, budget=Budget(max_time=0.05), planned_steps=9)
    )
    assert again.field.record.learning_rates != checkpoint.field.record.learning_rates
    with pytest.raises(FitStoppedError) as caught:
        fit_signal(signal, config, resume=checkpoint, hooks=FitHooks(should_stop=lambda: True))
    resumed = caught.value.checkpoint.field.record
    assert resumed.learning_rates == checkpoint.field.record.learning_rates


def test_trials_leave_the_network_as_it_is() -> None:
    signal = picture()
    samples = TrainingSamples(signal, CPU)
    trial = Trial(settings(), signal, samples)
    before = [part.detach().clone() for part in trial._training.network.parameters()]
    assert trial.step_seconds(0.0, 4) > 0.0
    assert trial.evaluation_seconds() > 0.0
    for kept, part in zip(before, trial._training.network.parameters(), strict=True):
        assert torch.equal(kept, part)


def test_of_a_huge_step_a_part_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def step_on(_training: Training, indices: Tensor, _factor: float) -> Tensor:
        tried.append(len(indices))
        return torch.zeros(())

    monkeypatch.setattr(Training, "step_on", step_on)
    signal = picture((400, 300))
    config = settings(width=512, depth=6, batch=100_000)
    ticks = itertools.count()
    trial = Trial(config, signal, TrainingSamples(signal, CPU), clock=lambda: float(next(ticks)))
    seconds = trial.step_seconds(0.0)
    assert tried[0] * config.size_for(signal.spec).parameter_count <= 2e9
    # The clock moves on by a second for each.
    assert seconds == pytest.approx(100_000 / tried[0])


@given(st.floats(1e-6, 1.0), st.floats(0.6, 2.1), st.sets(st.integers(64, 1024), min_size=2))
def test_two_widths_tell_a_power(each: float, exponent: float, widths: set[int]) -> None:
    law = step_law({width: each * width**exponent for width in widths})
    for width in (64, 100, 500, 1024):
        assert law(width) == pytest.approx(each * width**exponent, rel=1e-6)


def test_what_the_machine_did_meanwhile_is_no_law() -> None:
    law = step_law({64: 0.010, 96: 0.001})
    assert law(1024) > law(96) > 0
    assert math.isfinite(step_law({64: 1e-3, 96: 10.0})(1024))


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(DeviceError):
        settled(settings(device="tpu", budget=Budget(max_time=1.0)), picture())
