"""Whole solves at toy size."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from sinefit.errors import SettingError
from sinefit.fields.weights_file import decode_field, encode_field
from sinefit.initializers.registry import INITIALIZERS
from sinefit.solving.picture import colours_of, picture_bytes
from sinefit.solving.registry import EQUATIONS, parse_equation
from sinefit.solving.settings import plan_solve
from sinefit.solving.solve import run_plan, solve
from sinefit.solving.training import Hooks

if TYPE_CHECKING:
    from sinefit.solving.results import Solution, SolveProgress


def toy(equation: str, **settings: Any) -> Solution:
    return solve(equation, width=16, depth=2, points=64, threads=1, **settings)


@pytest.fixture(scope="module")
def heat() -> Solution:
    """Return a solve that gets somewhere, in seconds."""
    return solve("heat", width=24, depth=3, steps=400, points=256, threads=1)


def test_the_heat_equation_is_solved(heat: Solution) -> None:
    assert heat.report.relative_error < 0.02
    assert heat.report.ended_by == "steps"
    assert heat.report.steps == 400
    assert sum(term.value for term in heat.report.terms) == pytest.approx(heat.report.loss)


def test_the_error_is_that_of_the_rendered_field(heat: Solution) -> None:
    """From the weights file, by the renderer, against the series in one more formula."""
    field = decode_field(encode_field(heat.field), "heat")
    rendered = np.asarray(field.render().samples, dtype=np.float64)[..., 0]
    time, place = (np.arange(size) + 0.5 for size in rendered.shape)
    time, place = time[:, None] / rendered.shape[0], place[None] / rendered.shape[1]
    known = 0.7 * np.exp(-0.1 * np.pi**2 * time) * np.sin(np.pi * place)
    known += 0.3 * np.exp(-1.6 * np.pi**2 * time) * np.sin(4.0 * np.pi * place)
    error = math.sqrt(((rendered - known) ** 2).sum() / (known**2).sum())
    assert heat.report.relative_error == pytest.approx(error, rel=1e-3)
    assert heat.report.largest_error == pytest.approx(np.abs(rendered - known).max(), rel=1e-3)
    assert field.record.psnr == pytest.approx(
        10.0 * math.log10(4.0 / ((rendered - known) ** 2).mean()), abs=0.01
    )


@pytest.mark.parametrize("name", sorted(EQUATIONS))
def test_every_equation_learns(name: str) -> None:
    seen: list[SolveProgress] = []
    plan = plan_solve(name, width=24, depth=3, steps=100, points=128)
    found = run_plan(plan, Hooks(on_progress=seen.append), threads=1)
    assert found.report.loss < 0.5 * found.report.history[0].loss
    assert found.report.relative_error < seen[0].relative_error
    assert (
        found.values.shape
        == found.exact.shape
        == (*found.equation.shape, len(found.equation.channels))
    )
    assert [progress.step for progress in seen] == [0, 25, 50, 75, 100]
    assert seen[-1].share == 1.0


@pytest.mark.parametrize("name", sorted(INITIALIZERS))
def test_any_initializer_serves(name: str) -> None:
    found = toy("poisson", init=name, steps=3, seed=7)
    assert found.field.record.initializer == name
    assert found.field.record.seed == 7
    assert math.isfinite(found.report.loss)
    assert all(rate > 0.0 for rate in found.report.learning_rates)


def test_a_stated_rate_has_the_scales_of_the_initializer() -> None:
    found = toy("poisson", init="siren", omega=20, learning_rate=1e-4, steps=1)
    assert found.report.learning_rates == pytest.approx((20e-4, 30e-4, 1e-4))


def test_equal_seeds_give_equal_weights() -> None:
    one, two, other = (toy("heat", steps=5, seed=seed) for seed in (0, 0, 1))
    assert one.field.network.values.equal(two.field.network.values)
    assert not one.field.network.values.equal(other.field.network.values)


def test_a_stop_ends_with_the_best_so_far() -> None:
    asked = iter([False] * 60 + [True])
    plan = plan_solve("heat", width=16, depth=2, points=64)
    found = run_plan(plan, Hooks(should_stop=lambda: next(asked)), threads=1)
    assert found.report.ended_by == "stop"
    assert found.report.steps == 60
    assert found.report.loss == min(check.loss for check in found.report.history)


def test_a_time_limit_ends_it() -> None:
    found = toy("heat", max_time=0.3)
    assert found.report.ended_by == "time"
    assert 0 < found.report.steps < plan_solve("heat").steps


def test_divergence_keeps_what_was_before() -> None:
    found = toy("heat", learning_rate=1e30, steps=400)
    assert found.report.ended_by == "divergence"
    assert found.field.network.values.isfinite().all()


def test_the_paper_s_size_is_another_plan() -> None:
    for name in EQUATIONS:
        reduced, full = plan_solve(name), plan_solve(name, full=True)
        assert full.steps > reduced.steps
        assert full.points > reduced.points
    assert plan_solve("heat", omega="auto").omega == plan_solve("heat").omega
    assert plan_solve("poisson", full=True, width=9).size.width == 9


def test_what_cannot_be() -> None:
    with pytest.raises(SettingError, match="`omega` has 3 values, the signal has 2 coordinates"):
        plan_solve("heat", omega=(1.0, 2.0, 3.0))
    with pytest.raises(SettingError, match="`steps` is 0"):
        plan_solve("heat", steps=0)
    with pytest.raises(SettingError, match="`points` is 0"):
        plan_solve("heat", points=0)


@pytest.mark.parametrize("name", sorted(EQUATIONS))
def test_the_picture_shows_three_panels_a_row(name: str) -> None:
    found = toy(name, steps=1)
    with Image.open(io.BytesIO(picture_bytes(found))) as picture:
        width, height = picture.size
        pixels = np.asarray(picture)
    rows = len(found.equation.channels) * (3 if len(found.equation.shape) == 3 else 1)
    assert width > 600
    assert height > 200 * rows
    # The known solution is in the middle third, in colours.
    middle = pixels[:, width // 3 + 20 : 2 * width // 3].reshape(-1, 3).astype(int)
    assert (middle[:, 0] - middle[:, 2] > 60).any()


def test_colours_run_from_blue_over_white_to_red() -> None:
    low, zero, high, beyond = colours_of(np.array([-2.0, 0.0, 2.0, 9.0]), 2.0).astype(int)
    assert low[2] > low[0] + 60
    assert high[0] > high[2] + 60
    assert min(zero) > 240
    assert (beyond == high).all()


def test_equations_have_parameters() -> None:
    assert parse_equation("poisson:b=2").exact(np.array([[0.5, 0.25]])) == pytest.approx(1.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(EQUATIONS))
def test_the_stated_error_is_reached(name: str) -> None:
    reached = EQUATIONS[name].reduced.reached
    assert reached is not None
    assert solve(name).report.relative_error < 1.5 * reached
