from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.fitting import lockstep
from sinefit.fitting.budget import Budget
from sinefit.fitting.group import Group, GroupHooks
from sinefit.fitting.lockstep import fit_in_lockstep
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.together import stacking_pays

from .making import picture, settings, sound

if TYPE_CHECKING:
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.report import FitResult
    from sinefit.signals.signal import Signal


def fit(signals: list[Signal], config: FitConfig) -> list[FitResult]:
    group = Group(len(signals), GroupHooks())
    fit_in_lockstep(signals, config, group, resume=[None] * len(signals))
    return group.results()


def pictures(count: int) -> list[Signal]:
    return [picture((20, 17), seed=seed) for seed in range(count)]


@pytest.mark.parametrize("init", ["siren", "tuner", "ws"])
def test_a_few_steps_lead_to_the_weights_of_the_plain_engine(init: str) -> None:
    signals = pictures(4)
    config = settings(init, budget=Budget(steps=12))
    plain = dataclasses.replace(config, engine="autograd", threads=1)
    for result, signal in zip(fit(signals, config), signals, strict=True):
        check_close(result, fit_signal(signal, plain), 1e-5)


def check_close(one: FitResult, other: FitResult, tolerance: float) -> None:
    mine, theirs = (result.field.network.parameters() for result in (one, other))
    for part, expected in zip(mine, theirs, strict=True):
        torch.testing.assert_close(part, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("name", "value"), [("MOST_FITS", 2), ("TABLE_LIMIT", 0)])
def test_stacks_and_tables_of_any_size_lead_to_the_same_fields(
    name: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(budget=Budget(steps=12))
    expected = fit(pictures(5), config)
    monkeypatch.setattr(lockstep, name, value)
    for one, other in zip(fit(pictures(5), config), expected, strict=True):
        check_close(one, other, 1e-5)


def test_a_fit_s_seconds_are_its_share_of_the_stack_s() -> None:
    begin = time.perf_counter()
    results = fit(pictures(4), settings(budget=Budget(steps=200)))
    taken = time.perf_counter() - begin
    shares = [result.report.seconds for result in results]
    assert 0.0 < sum(shares) <= taken
    assert max(shares) == pytest.approx(min(shares), rel=0.2)


def test_a_budget_of_time_is_that_of_each_fit() -> None:
    results = fit(pictures(3), settings(budget=Budget(max_time=0.2)))
    for result in results:
        assert result.report.ended_by == "time"
        assert result.report.seconds >= 0.2
    assert len({result.report.record.steps for result in results}) == 1


def test_a_network_keeps_no_other_s_weights() -> None:
    for result in fit(pictures(3), settings(budget=Budget(steps=2))):
        for part in result.field.network.parameters():
            assert part.untyped_storage().nbytes() == part.numel() * 4


def test_what_is_large_is_not_stacked() -> None:
    tiny = settings(width=16, batch=64)
    assert stacking_pays(picture((64, 64)), tiny)
    # A small signal makes small batches, whatever is asked for.
    assert stacking_pays(sound(20), dataclasses.replace(tiny, batch=4096, width=256))
    assert not stacking_pays(picture((64, 64)), dataclasses.replace(tiny, batch=4096, width=256))
    assert not stacking_pays(picture((64, 64)), dataclasses.replace(tiny, engine="autograd"))
