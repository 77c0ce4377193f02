"""Looks at the field of a running fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.fitting.budget import Budget
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal, make_plan, run_plan

from .making import picture, settings
from .stubs import SLOW, Clock, StubKind

if TYPE_CHECKING:
    from sinefit.fields.field import Field


def test_the_field_comes_between_steps_and_changes_nothing() -> None:
    signal, config = picture(channels=3), settings(budget=Budget(steps=7))
    seen: list[Field] = []
    hooks = FitHooks(on_field=seen.append, field_every=0.0)
    looked = run_plan(signal, make_plan(signal, config), hooks, clock=Clock(SLOW))
    alone = fit_signal(signal, config)
    assert [field.record.steps for field in seen] == [0, 1, 2, 3, 4, 5, 6]
    assert torch.equal(looked.field.network.values, alone.field.network.values)
    # Each is a copy: what a fit of as many steps has, not what the last one left.
    assert all(
        not torch.equal(field.network.values, later.network.values)
        for field, later in zip(seen, [*seen[1:], looked.field], strict=True)
    )
    assert {field.network.size for field in seen} == {looked.field.network.size}
    assert all(field.spec == signal.spec for field in seen)


def test_it_comes_at_its_interval_and_its_time_does_not_count() -> None:
    clock = Clock()

    def look(_field: Field) -> None:
        clock.now += 1000.0
        looks.append(clock.now)

    def work(*_: object) -> None:
        clock.now += 0.01

    looks: list[float] = []
    signal = picture()
    config = settings(budget=Budget(max_time=10.0), planned_steps=1000)
    plan = StubKind(work).takes(make_plan(signal, config))
    hooks = FitHooks(on_field=look, field_every=3.0)
    result = run_plan(signal, plan, hooks, clock=clock)
    # After 3, 6 and 9 seconds of training, or with the next look around.
    assert [look - 1000 * number for number, look in enumerate(looks, 1)] == pytest.approx(
        [3, 6, 9], abs=0.35
    )
    assert result.report.seconds == pytest.approx(10.0, abs=0.011)
    assert result.report.record.steps == pytest.approx(1000, abs=1)
