"""Looks at the field of a running fit."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.fitting.budget import Budget
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal

from .making import picture, settings

if TYPE_CHECKING:
    from sinefit.fields.field import Field


def test_the_field_comes_between_steps_and_changes_nothing() -> None:
    signal, config = picture(channels=3), settings(budget=Budget(steps=7))
    seen: list[Field] = []
    looked = fit_signal(signal, config, hooks=FitHooks(on_field=seen.append, field_every=0.0))
    alone = fit_signal(signal, config)
    assert [field.record.steps for field in seen] == [0, 1, 2, 3, 4, 5, 6]
    for mine, theirs in zip(
        looked.field.network.parameters(), alone.field.network.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)
    # Each is a copy: what a fit of as many steps has, not what the last one left.
    first, last = seen[0].network.weights[0], looked.field.network.weights[0]
    assert not torch.equal(first, last)
    assert {field.network.size for field in seen} == {looked.field.network.size}
    assert all(field.spec == signal.spec for field in seen)


def test_it_comes_at_its_interval_and_its_time_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.01  # every look at the clock takes a hundredth
        return now

    def look(_field: Field) -> None:
        nonlocal now
        now += 1000.0
        looks.append(now)

    looks: list[float] = []
    monkeypatch.setattr("time.perf_counter", clock)
    config = dataclasses.replace(settings(), budget=Budget(max_time=10.0))
    result = fit_signal(picture(), config, hooks=FitHooks(on_field=look, field_every=3.0))
    # Seconds of training 3, 6 and 9, each seen at the next step.
    assert len(looks) == 3
    assert result.report.seconds == pytest.approx(10.0, abs=0.2)
