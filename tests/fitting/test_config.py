from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import STORAGE_TYPES, FitConfig
from sinefit.fitting.defaults import default_steps
from sinefit.fitting.layout import BATCH
from sinefit.fitting.omega_choice import NyquistShare
from sinefit.initializers.registry import parse_initializer
from sinefit.networks.size import NetworkSize

from .making import clip, globe, picture, sound

if TYPE_CHECKING:
    from sinefit.signals.signal import SignalSpec

SIREN = parse_initializer("siren")


@pytest.mark.parametrize(
    ("message", "values"),
    [
        ("`width` is 0", {"width": 0}),
        ("`depth` is -1", {"depth": -1}),
        ("`batch` is 0", {"batch": 0}),
        ("`threads` is 0", {"threads": 0}),
        ("`seed` is -1", {"seed": -1}),
        ("`seed` is 9223372036854775808", {"seed": 2**63}),
        ("`learning_rate` is 0", {"learning_rate": 0.0}),
        ("`learning_rate` is nan", {"learning_rate": math.nan}),
        ("`learning_rate` is inf", {"learning_rate": math.inf}),
        ("`omega` is 30,0", {"omega": (30.0, 0.0)}),
        ("`omega` is -30", {"omega": (-30.0,)}),
        ("`omega` is nan", {"omega": (math.nan,)}),
        ("`omega` is inf", {"omega": (math.inf,)}),
        ("`omega` is 5,0.0nyquist", {"omega": (5.0, NyquistShare(0.0))}),
        ("`dtype` is float8: it must be one of float32, float16, bfloat16", {"dtype": "float8"}),
    ],
)
def test_what_cannot_be_is_told_with_its_flag(message: str, values: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=message):
        FitConfig(SIREN, **values)


def test_the_limits_themselves_can_be() -> None:
    FitConfig(SIREN, width=1, depth=1, batch=1, threads=1, seed=2**63 - 1, omega=(1e-9,))
    for dtype in STORAGE_TYPES:
        assert FitConfig(SIREN, dtype=dtype).dtype == dtype


def test_the_network_has_a_feature_per_coordinate_and_a_value_per_channel() -> None:
    config = FitConfig(SIREN, width=7, depth=3)
    assert config.size_for(picture(channels=3).spec) == NetworkSize(2, 7, 3, 3)
    assert config.size_for(sound(20, 2).spec) == NetworkSize(1, 7, 3, 2)
    assert config.size_for(clip().spec) == NetworkSize(3, 7, 3, 3)
    assert config.size_for(globe().spec) == NetworkSize(3, 7, 3, 1)


def test_the_steps_that_a_budget_allows_for() -> None:
    spec = picture((40, 50), 3).spec

    def steps(planned: int | None = None, **budget: Any) -> int:
        bounds = Budget(**budget) if budget else None
        return FitConfig(SIREN, budget=bounds, planned_steps=planned).expected_steps(spec)

    assert steps(700, max_time=60.0) == 700
    assert steps(steps=77) == 77
    assert steps(700, steps=10**6, max_time=60.0) == 700
    assert steps(700, steps=20, max_time=60.0) == 20
    assert steps() == default_steps(spec, 1)


def test_quality_alone_is_reached_in_short_attempts_of_small_batches() -> None:
    small, large = picture((40, 50), 3).spec, picture((400, 300)).spec

    def of(spec: SignalSpec, **others: Any) -> tuple[int, int]:
        config = FitConfig(SIREN, blocks=(1,), width=16, **others)
        return config.batch_for(spec), config.expected_steps(spec)

    alone: dict[str, Any] = {"budget": Budget(target_psnr=30.0)}
    batch, steps = of(small, **alone)
    assert batch < small.sample_count / 8
    assert batch & (batch - 1) == 0
    assert steps < default_steps(small, 1)
    # Settled settings, as a checkpoint has them, say the same again.
    settled = FitConfig(SIREN, blocks=(1,), width=16, **alone).laid_out(small)
    assert (settled.batch_for(small), settled.expected_steps(small)) == (batch, steps)
    for bounds in (None, Budget(steps=50, target_psnr=30.0), Budget(max_time=9.0, target_psnr=30)):
        assert of(small, budget=bounds)[0] == small.sample_count
    # What has large batches anyway is fitted as it was, and so is what a paper says how to.
    assert of(large, **alone) == (BATCH, default_steps(large, 1))
    paper = of(small, recipe="paper", **alone)
    assert paper == (small.sample_count, default_steps(small, 1))
    assert of(small, batch=77, **alone)[0] == 77
