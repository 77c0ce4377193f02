from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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
from sinefit.fitting.turns import ROUND, round_steps
from sinefit.networks.size import NetworkSize

from .making import picture, settings
from .stubs import Clock

if TYPE_CHECKING:
    from sinefit.fitting.config import FitConfig
    from sinefit.signals.signal import Signal


HOUR = Budget(max_time=3600.0)


class Trials:
    """Makes trials of steps whose seconds follow a power of the width."""

    def __init__(self, each: float, exponent: float) -> None:
        self._each, self._exponent = each, exponent
        self.widths: list[int] = []
        """The width of each trial that was made."""
        self.limits: list[float] = []
        """How long each was allowed to take."""

    def __call__(self, config: FitConfig, signal: Signal) -> Trial:
        trials, seconds = self, self.seconds(config.size_for(signal.spec).width)

        class MadeUp(Trial):
            def step_seconds(self, limit: float, steps: float = math.inf) -> float:
                assert steps == math.inf
                trials.limits.append(limit)
                return seconds

        self.widths.append(config.size_for(signal.spec).width)
        return MadeUp(replace(config, width=1, depth=1), signal)

    def seconds(self, width: int) -> float:
        return self._each * math.pow(width / 64, self._exponent)


@pytest.mark.parametrize("exponent", [1.2, 1.5, 1.9])
@pytest.mark.parametrize("each", [0.003, 0.02, 0.1])
def test_the_width_leaves_the_steps_that_are_wanted(each: float, exponent: float) -> None:
    trials = Trials(each, exponent)
    signal = picture((96, 80), channels=3)
    config = settings(width=None, depth=3, batch=16, budget=Budget(max_time=60.0))
    found = settled(config, signal, make_trial=trials)
    assert found.width is not None
    takes = trials.seconds(found.width)
    assert found.planned_steps == pytest.approx(60.0 / takes, rel=0.01)
    assert found.expected_steps(signal.spec) == found.planned_steps
    # 4000 for a picture of 768x512, by the fourth root of the number of values.
    wanted = 4000 * (96 * 80 / (768 * 512)) ** 0.25
    assert found.planned_steps < 1.5 * wanted or 2 * found.width**2 >= 1.5 * 96 * 80 * 3
    if 60.0 / each > 6 * wanted:
        assert found.planned_steps > 0.6 * wanted
    decided = config.decided_for(signal.spec)
    assert replace(found, width=None, planned_steps=None) == decided


@pytest.mark.parametrize("seconds", [3.0, 60.0, 6000.0])
def test_trials_take_a_small_share_of_the_budget(seconds: float) -> None:
    trials = Trials(0.001, 1.5)
    settled(settings(width=None, budget=Budget(max_time=seconds)), picture(), make_trial=trials)
    assert len(trials.limits) <= 3
    assert sum(trials.limits) <= min(0.03 * seconds, 0.5) + 1e-9


@pytest.mark.parametrize("limit", [0.0, 0.05, 2.0])
def test_a_trial_ends_with_the_step_that_its_time_is_up_in(limit: float) -> None:
    # Read before the first step and after each, so that a step takes as long as a reading.
    trial = Trial(settings(), picture(), Clock(0.0625))
    assert trial.step_seconds(limit) == pytest.approx(0.0625)
    steps = max(1, math.ceil(limit / 0.0625)) + 1  # one more that is not timed
    assert trial._trainer.steps == [steps]
    assert trial.step_seconds(1e9, 5) == pytest.approx(0.0625)
    assert trial._trainer.steps == [steps + 5 + 1]


def test_a_width_that_is_given_stays() -> None:
    trials = Trials(0.01, 2.0)
    config = settings(width=64, budget=Budget(max_time=9.0))
    found = settled(config, picture(), make_trial=trials)
    assert trials.widths == [found.width] == [64]
    assert found.planned_steps == pytest.approx(900, abs=1)


@pytest.mark.parametrize(
    "budget", [None, Budget(steps=5), Budget(target_psnr=30.0), Budget(steps=3, target_psnr=9.0)]
)
def test_nothing_is_tried_without_a_budget_in_seconds(budget: Budget | None) -> None:
    trials = Trials(1.0, 1.0)
    config = settings(width=None, budget=budget)
    assert settled(config, picture(), make_trial=trials) == config
    assert not trials.widths


@pytest.mark.parametrize(
    "given", [{}, {"blocks": (1,)}, {"batch": 256}, {"block_size": (24,)}, {"margin": (0,)}]
)
def test_what_was_decided_is_kept_in_the_checkpoint(given: dict[str, Any]) -> None:
    """Whatever else of the layout was asked for, and is again."""
    signal = picture()
    config = settings(**{"width": None, "batch": None, "blocks": None, "budget": HOUR, **given})
    with pytest.raises(FitStoppedError) as caught:
        fit_signal(signal, config, hooks=FitHooks(should_stop=lambda: True))
    checkpoint = decode_checkpoint(encode_checkpoint(caught.value.checkpoint), "name")
    assert checkpoint.config.planned_steps is not None
    trials = Trials(1.0, 1.0)
    found = settled(config, signal, checkpoint, trials)
    assert not trials.widths
    assert found.planned_steps == checkpoint.config.planned_steps
    assert found.width == checkpoint.field.network.size.width
    again = fit_signal(signal, replace(found, budget=Budget(max_time=0.05), planned_steps=9))
    assert again.field.record.learning_rates != checkpoint.field.record.learning_rates
    with pytest.raises(FitStoppedError) as caught:
        fit_signal(signal, config, resume=checkpoint, hooks=FitHooks(should_stop=lambda: True))
    resumed = caught.value.checkpoint.field.record
    assert resumed.learning_rates == checkpoint.field.record.learning_rates


def test_trials_leave_the_network_as_it_is() -> None:
    """The pace of measuring is that of the weights that were drawn, not of ones run wild."""
    signal = picture()
    trial = Trial(settings(learning_rate=1e30), signal)
    assert trial.step_seconds(0.0, 4) > 0.0
    before = trial._trainer.network.values.clone()
    assert trial.step_seconds(0.0, 4) > 0.0
    assert trial.evaluation_seconds() > 0.0
    assert torch.equal(trial._trainer.network.values, before)
    assert bool(before.isfinite().all())


def test_of_a_huge_step_a_part_is_tried() -> None:
    signal = picture((400, 300))
    config = settings(width=256, depth=4, batch=100_000, blocks=1)
    # A step takes as long as a reading.
    trial = Trial(config, signal, Clock(1.0))
    seconds = trial.step_seconds(0.0)
    tried = trial._plan.batch
    assert tried >= 512
    assert tried * config.size_for(signal.spec).parameter_count <= 2e9
    assert seconds == pytest.approx(100_000 / tried)


@pytest.mark.parametrize("counts", [(3, 4), (9, 7)])
def test_a_step_of_many_blocks_is_told_from_that_of_some(counts: tuple[int, int]) -> None:
    """Of the first group of at most 32 blocks, of which each takes as long as any other."""
    signal = picture((72, 63))
    config = settings(blocks=counts, batch=20)
    trial = Trial(config, signal, Clock(1.0))
    few, grid = trial._plan.blocks, config.blocks_for(signal.spec)
    assert few.count <= 32
    assert (few == grid) == (grid.count <= 32)
    seconds = trial.step_seconds(0.0)
    group = len(trial._trainer.first_group)
    # As in a fit, a group takes a round of steps from one reading to the next, and is then changed.
    between = 1 / round_steps(signal.spec, grid) if grid.count > 32 else 0.0
    assert seconds == pytest.approx(grid.count / group * (1 / ROUND + between))
    assert trial.evaluation_seconds() > 0.0


def test_a_width_that_was_found_does_not_have_the_signal_cut_in_another_way() -> None:
    signal = picture((70, 60))
    config = settings(width=None, blocks=None, depth=4, budget=HOUR)
    assert config.blocks_for(signal.spec).count == 1
    found = settled(config, signal, make_trial=Trials(0.5, 1.5))
    # Left to the width, another number of blocks would follow.
    assert replace(found, width=16, blocks=None).blocks_for(signal.spec).count > 1
    assert replace(found, width=16).blocks_for(signal.spec).count == 1


def test_the_width_of_blocks_does_not_hang_on_the_pace() -> None:
    signal = picture((96, 80), channels=3)
    config = settings(width=None, blocks=(2, 2), budget=Budget(max_time=60.0))
    for trials in (Trials(0.001, 1.5), Trials(0.1, 1.5)):
        found = settled(config, signal, make_trial=trials)
        assert trials.widths == [found.width] == [config.size_for(signal.spec).width]
        takes = trials.seconds(trials.widths[0])
        assert found.planned_steps == pytest.approx(60.0 / takes, rel=0.01)
        assert found.blocks_for(signal.spec) == config.blocks_for(signal.spec)


def test_the_weights_per_value_that_were_asked_for_decide_rather_than_the_pace() -> None:
    signal = picture((96, 80), channels=3)
    config = settings(width=None, weights_per_value=0.5, budget=Budget(max_time=60.0))
    found = settled(config, signal, make_trial=Trials(0.001, 1.5))
    assert found.width == config.size_for(signal.spec).width
    weights = NetworkSize(2, found.width, 2, 3).parameter_count
    assert 0.7 < weights / (0.5 * 96 * 80 * 3) < 1.4


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
