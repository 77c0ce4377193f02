from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sinefit.engines.adam import EPSILON
from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.loop import make_plan
from sinefit.fitting.omega_choice import NyquistShare
from sinefit.initializers.registry import parse_initializer
from sinefit.signals.objects import as_signal

from .making import picture, settings, sound

if TYPE_CHECKING:
    from sinefit.signals.signal import Signal

SPEC = picture((40, 60)).spec
PARTS: dict[str, tuple[Any, Any]] = {
    "schedule": ("constant", "cosine"),
    "betas": ((0.9, 0.999), (0.5, 0.6)),
    "epsilon": (1e-8, 1e-3),
    "batch": ("full", 100),
    "precision": ("float32", "float64"),
    "coordinates": ("ends", "centres"),
    "targets": ("-1,1", "0,1"),
    "blocks": ((1,), (2, 3)),
    "width": (256, 17),
    "learning_rate": (1e-4, 0.02),
    "omega": ((30.0,), (7.0, 8.0)),
}
"""What the papers' recipe decides, and another value."""


def decided(init: str = "siren", **values: Any) -> FitConfig:
    return FitConfig(parse_initializer(init), **values).decided_for(SPEC)


@pytest.mark.parametrize("part", PARTS)
def test_the_papers_recipe_decides_what_is_not_named(part: str) -> None:
    value, other = PARTS[part]
    assert getattr(decided(recipe="paper"), part) == value
    named = decided(recipe="paper", **{part: other})
    assert getattr(named, part) == other
    for another in PARTS.keys() - {part}:
        assert getattr(named, another) == PARTS[another][0]


def test_the_usual_recipe_leaves_the_rates_to_the_initializer() -> None:
    config = decided()
    assert (config.schedule, config.betas, config.omega) == ("cosine", (0.9, 0.99), "auto")
    assert (config.epsilon, config.learning_rate, config.width) == (None, None, None)


def test_what_is_decided_stays() -> None:
    for name in ("usual", "paper"):
        config = decided(recipe=name)
        assert config.decided_for(SPEC) == config
        assert config.laid_out(SPEC).decided_for(SPEC) == config.laid_out(SPEC)


def test_sizes_that_are_named_in_another_way_are_not_decided() -> None:
    assert decided(recipe="paper", block_size=16).blocks is None
    assert decided(recipe="paper", weights_per_value=1.0).width is None


def test_every_scheme_has_the_omega_of_its_paper() -> None:
    assert decided("lambert", recipe="paper").omega == (NyquistShare(),)
    assert decided("tuner", recipe="paper").omega == (1.0,)
    config = FitConfig(parse_initializer("ws"), recipe="paper")
    assert config.decided_for(sound().spec).omega == (3000.0,)
    assert decided(recipe="paper", omega="auto").omega == "auto"


@pytest.mark.parametrize("betas", ["0.9", "0.9,x", (0.9,), (0.9, 1.0), (-0.1, 0.9), "0.9,nan"])
def test_decay_rates_that_cannot_be_are_refused(betas: object) -> None:
    with pytest.raises(SettingError, match="`betas`"):
        decided(betas=betas)
    assert decided(betas="0, 0.5").betas == (0.0, 0.5)


def test_a_plan_obeys_the_recipe_alone() -> None:
    """No rule for width, depth, batch or steps changes the rates of a paper."""
    signal = picture((40, 60))
    config = settings("siren:hidden_omega=20", recipe="paper", omega=(11.0,), width=700, depth=3)
    plan = make_plan(signal, config)
    assert plan.learning_rates == pytest.approx((11e-4, 20e-4, 20e-4, 1e-4), rel=1e-12)
    assert (plan.schedule, plan.adam) == ("constant", (0.9, 0.999, 1e-8))
    usual = make_plan(signal, dataclasses.replace(config, recipe="usual"))
    assert (usual.schedule, usual.adam) == ("cosine", (0.9, 0.99, EPSILON))
    assert usual.learning_rates != plan.learning_rates


def test_the_recipe_for_upscaling_goes_by_the_kind_of_signal() -> None:
    def chosen(signal: Signal, **others: Any) -> FitConfig:
        return FitConfig(recipe="upscale", **others).decided_for(signal.spec)

    found = chosen(picture((80, 90), 3))
    assert (found.footprint, found.block_size, found.ensemble) == ("box", (64,), 4)
    assert found.omega == (NyquistShare(0.2),)
    of_sound = chosen(sound(20_000))
    assert (of_sound.footprint, of_sound.block_size) == ("band-limited", (256,))
    assert of_sound.omega == "auto"
    of_array = chosen(as_signal(np.zeros((50, 60))))
    assert (of_array.footprint, of_array.block_size, of_array.omega) == ("point", None, "auto")
    assert chosen(picture((80, 90), 3), blocks=2).block_size is None
    assert chosen(picture((80, 90), 3), width=40).weights_per_value is None
    assert chosen(picture((80, 90), 3), footprint="gaussian").footprint == "gaussian"
    assert chosen(picture((80, 90), 3), ensemble=2).ensemble == 2


def test_fits_for_upscaling_end_before_they_follow_what_pixels_cannot_carry() -> None:
    def steps(recipe: str, budget: Budget | None, planned: int | None = None) -> Any:
        config = FitConfig(recipe=recipe, budget=budget, planned_steps=planned)  # type: ignore[arg-type]
        return config.expected_steps(SPEC), config.budget_for(SPEC).steps

    most = steps("upscale", None)[0]
    assert steps("upscale", None) == (most, most)
    assert steps("upscale", Budget(max_time=9.0), 10 * most) == (most, most)
    assert steps("upscale", Budget(max_time=9.0), 10) == (10, most)
    assert steps("upscale", Budget(steps=10 * most)) == (10 * most, 10 * most)
    assert steps("usual", Budget(max_time=9.0), 10 * most) == (10 * most, None)
    assert steps("upscale", Budget(target_psnr=30.0))[1] is None


@pytest.mark.parametrize(
    ("shape", "values", "ensemble"),
    [
        ((512, 768), {}, 4),
        ((1500, 2000), {}, 3),
        ((4000, 6000), {}, 1),
        ((4000, 6000), {"ensemble": 4}, 4),
    ],
)
def test_the_ensemble_of_a_large_picture_has_fewer_networks(
    shape: tuple[int, int], values: dict[str, Any], ensemble: int
) -> None:
    spec = picture((8, 8), 3).spec.with_shape(shape)
    config = FitConfig(recipe="upscale", **values).decided_for(spec)
    assert config.ensemble == ensemble
    weights = 4 * 3 * shape[0] * shape[1] * ensemble  # four per value
    assert values or ensemble == 1 or weights <= 2**27
