from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from sinefit.fitting.budget import Budget
from sinefit.fitting.forecast import forecast, quality_class
from sinefit.fitting.loop import make_plan
from sinefit.fitting.monitor import Standing
from sinefit.networks.size import NetworkSize
from sinefit.signals.signal import SignalSpec

from .making import globe, picture, settings, sound

if TYPE_CHECKING:
    from sinefit.fitting.forecast import Forecast

PHOTOGRAPH = SignalSpec("image", (512, 768), 3, "uint8", 0.0, 255.0, "png", 8)
BEGUN = Standing(10.0, 10.0, 20.0)


def foretell(budget: Budget | None, **others: Any) -> Forecast:
    signal = picture()
    found = forecast(make_plan(signal, settings(budget=budget, **others)), signal)
    assert found is not None
    return found


def test_a_budget_in_seconds_is_the_forecast() -> None:
    assert foretell(Budget(max_time=90.0), planned_steps=4000).training == pytest.approx(90.0)
    both = foretell(Budget(steps=1000, max_time=90.0), planned_steps=4000)
    assert both.training == pytest.approx(90.0 / 4)
    assert both.seconds == both.training + both.measuring
    assert 0 < both.measuring < 5


def test_more_steps_take_longer() -> None:
    short, long = foretell(Budget(steps=300)), foretell(Budget(steps=300_000))
    assert 0 < 10 * short.training < long.training
    # All of a small signal is measured, however long its fit.
    assert long.measuring < 100 * short.measuring
    assert foretell(None).training > 0


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("blocks", [(1,), (2, 1)])
def test_every_precision_and_batch_can_be_foretold(precision: str, blocks: tuple[int, ...]) -> None:
    found = foretell(
        Budget(steps=30), recipe="paper", batch="full", precision=precision, blocks=blocks
    )
    assert found.training > 0
    assert found.measuring > 0


def test_what_is_done_takes_no_more_time() -> None:
    signal = picture()
    plan = make_plan(signal, settings(budget=Budget(max_time=100.0), planned_steps=500))
    found = forecast(plan, signal, dataclasses.replace(BEGUN, step=10, seconds=75.0))
    assert found is not None
    assert found.training == pytest.approx(25.0)


def test_nothing_is_known_of_a_fit_that_only_quality_ends() -> None:
    signal = picture()
    assert forecast(make_plan(signal, settings(budget=Budget(target_psnr=30.0))), signal) is None


@pytest.mark.parametrize(
    ("width", "steps", "found"),
    # As measured on kodim05, in dB: 18.8, 21.1, 44.3.
    [(64, 600, "rough"), (128, 400, "rough"), (384, 4000, "close")],
)
def test_the_class_is_that_of_a_photograph(width: int, steps: int, found: str) -> None:
    assert (
        quality_class(PHOTOGRAPH, NetworkSize(2, width, 4, 3).parameter_count, steps, False)
        == found
    )


def test_more_steps_and_weights_are_never_a_lower_class() -> None:
    order = ["rough", "fair", "close"]
    for spec, in_blocks in itertools.product((PHOTOGRAPH, sound().spec), (False, True)):
        size = spec.coordinate_features, spec.channels
        classes = [
            quality_class(
                spec, NetworkSize(size[0], width, 4, size[1]).parameter_count, steps, in_blocks
            )
            for width, steps in ((16, 1), (64, 50), (64, 900), (256, 900), (512, 90_000))
        ]
        places = [order.index(str(one)) for one in classes]
        assert places == sorted(places)
        assert classes[-1] == "close"


def test_of_arrays_and_of_fits_that_continue_no_class_is_known() -> None:
    assert quality_class(globe().spec, NetworkSize(3, 64, 4, 1).parameter_count, 100, False) is None
    signal = picture()
    fresh = make_plan(signal, settings())
    found = forecast(dataclasses.replace(fresh, continued=True), signal)
    assert found is not None
    assert found.quality is None
