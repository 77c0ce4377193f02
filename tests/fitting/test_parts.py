from __future__ import annotations

import pickle
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

import sinefit
from sinefit.fitting.choice import SampleChoice
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal, make_plan
from sinefit.fitting.parts import (
    PartStoppedError,
    SentParts,
    Stretch,
    how_trained,
    train_part,
)
from sinefit.fitting.words import config_of
from sinefit.signals.objects import as_signal

if TYPE_CHECKING:
    from sinefit.fitting.parts import PartResult
    from sinefit.fitting.plan import FitPlan
    from sinefit.signals.signal import Signal

SETTINGS: dict[str, Any] = {
    "steps": 130,
    "blocks": (8, 5),  # more than are trained at once
    "width": 16,
    "depth": 2,
    "batch": 32,
    "threads": 1,
    "device": "cpu",
    "dtype": "float32",  # to which weights are rounded in the end
}


@cache
def scene() -> Signal:
    rows, columns, channel = np.ogrid[0:60, 0:96, 0:3]
    values = 127.5 + 60.0 * np.sin(rows / 3.0 + channel) + 60.0 * np.cos(columns / 4.0 - channel)
    return as_signal(Image.fromarray(values.astype(np.uint8)))


def sent(plan: FitPlan, signal: Signal, numbers: range) -> SentParts:
    choice = SampleChoice.of(signal, plan.config.holdout)
    fitted = {number: choice.fitted_in(plan.blocks, number) for number in numbers}
    chosen = {number: each for number, each in fitted.items() if each is not None}
    return SentParts(
        {number: plan.blocks.part(signal, number) for number in numbers}, chosen or None
    )


def trained(plan: FitPlan, signal: Signal, numbers: range, *stretches: Stretch) -> PartResult:
    """Train a part as another process would, which has all by pickle."""
    result = None
    for stretch in stretches:
        state = None if result is None else result.state
        content = pickle.dumps((plan.part(numbers), sent(plan, signal, numbers)))
        part, samples = pickle.loads(content)
        given = Stretch(stretch.begin, stretch.end, stretch.refine_at, state)
        result = train_part(
            part, samples, given, should_stop=lambda: False, on_progress=lambda _progress: None
        )
    assert result is not None
    return result


@pytest.mark.parametrize(
    "others",
    [
        {"precision": "float32"},
        {"engine": "reference"},
        {"holdout": "5%", "precision": "float32"},
        {"footprint": "box", "precision": "float32"},
        {"init": "tuner", "precision": "float32"},
    ],
    ids=str,
)
def test_parts_learn_what_they_do_among_all(others: dict[str, Any]) -> None:
    config = config_of(**{**SETTINGS, **others})
    whole = fit_signal(scene(), config).field.network.values
    plan = make_plan(scene(), config)
    signal = plan.mapped(scene())
    for numbers in (range(32), range(32, 40)):
        part = trained(plan, signal, numbers, Stretch(0, 130))
        assert torch.equal(part.weights, whole[numbers.start : numbers.stop])
        assert part.state is None


def test_two_stretches_are_as_good_as_one() -> None:
    config = config_of(**{**SETTINGS, "precision": "float32"})
    plan = make_plan(scene(), config)
    signal, numbers = plan.mapped(scene()), range(8)
    once = trained(plan, signal, numbers, Stretch(0, 130))
    middle = how_trained(plan.part(range(1)), sent(plan, signal, range(1))).every
    twice = trained(plan, signal, numbers, Stretch(0, middle), Stretch(middle, 130))
    assert torch.equal(once.weights, twice.weights)
    assert torch.equal(once.best, twice.best)
    assert torch.equal(once.losses[1:], twice.losses)


def test_a_part_begins_with_its_share_of_an_earlier_field() -> None:
    earlier = fit_signal(scene(), config_of(**{**SETTINGS, "steps": 20})).field
    config = config_of(**{**SETTINGS, "steps": 64, "precision": "float32"})
    whole = fit_signal(scene(), config, start_from=earlier).field.network.values
    plan = make_plan(scene(), config, start_from=earlier)
    part = trained(plan, plan.mapped(scene()), range(32, 40), Stretch(0, 64))
    assert torch.equal(part.weights, whole[32:])


def test_losses_are_looked_at_as_often_as_among_all() -> None:
    config = config_of(**SETTINGS)
    plan = make_plan(scene(), config)
    steps: list[int] = []
    fit_signal(
        scene(),
        config,
        hooks=FitHooks(
            on_progress=lambda told: (
                steps.append(told.step) if told.phase == "fitting" and told.blocks is None else None
            )
        ),
    )
    how = how_trained(plan.part(range(1)), sent(plan, plan.mapped(scene()), range(1)))
    assert steps[:2] == [how.every, 2 * how.every]


def stopped_at_once(steps: int) -> PartResult:
    plan = make_plan(scene(), config_of(**{**SETTINGS, "steps": steps}))
    numbers = range(4)
    return train_part(
        plan.part(numbers),
        sent(plan, plan.mapped(scene()), numbers),
        Stretch(0, steps),
        should_stop=lambda: True,
        on_progress=lambda _progress: None,
    )


def test_a_part_hears_of_a_stop() -> None:
    with pytest.raises(PartStoppedError):
        stopped_at_once(10**8)  # which would take hours


def test_a_part_that_is_all_but_done_ends() -> None:
    plan = make_plan(scene(), config_of(**SETTINGS))
    whole = trained(plan, plan.mapped(scene()), range(4), Stretch(0, 130))
    assert torch.equal(stopped_at_once(130).weights, whole.weights)


def test_errors_of_fits_cross_processes() -> None:
    field = fit_signal(scene(), config_of(**{**SETTINGS, "steps": 2}))
    error = pickle.loads(pickle.dumps(sinefit.FitDivergedError("it diverged", field)))
    assert str(error) == "it diverged"
    assert torch.equal(error.result.field.network.values, field.field.network.values)
