from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sinefit.fields.weights_file import decode_field, encode_field
from sinefit.fitting.budget import Budget
from sinefit.fitting.fit import MOST_STEPS, REPORT_EVERY, REPORT_WORK, Fit, report_interval
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal, make_plan, run_plan
from sinefit.fitting.measure import Blend, measure_quality
from sinefit.fitting.report import FitDivergedError, FitNotMeasuredError
from sinefit.fitting.samples import PartSamples
from sinefit.fitting.trainer import Trainer
from sinefit.signals.array.reading import array_signal

from .making import STILL, even_picture, measured, picture, reached, settings, sound
from .stubs import SLOW, Clock, StubKind

if TYPE_CHECKING:
    from sinefit.fitting.report import Progress
    from sinefit.networks.network import Network
    from sinefit.signals.signal import Signal


@pytest.mark.parametrize("weights", [1000, 200_000, 10**6, 10**9])
@pytest.mark.parametrize("batch", [64, 4096, 2**18])
def test_a_device_is_asked_for_the_loss_after_about_equal_work(weights: int, batch: int) -> None:
    assert report_interval(torch.device("cpu"), weights, batch) == REPORT_EVERY
    steps = report_interval(torch.device("cuda:1"), weights, batch)
    assert REPORT_EVERY <= steps <= MOST_STEPS
    if REPORT_EVERY < steps < MOST_STEPS:
        assert 6 * weights * batch * steps == pytest.approx(REPORT_WORK, rel=0.02)


def fit_of(budget: Budget, steps: int = 1) -> Fit:
    """A fit before its first step, whose budget is taken to allow for so many."""
    signal = picture()
    plan = make_plan(signal, settings(budget=budget, planned_steps=steps))
    trainer = Trainer([plan], [PartSamples(signal, plan.blocks, plan.machine.device)])
    return Fit(signal, plan, trainer, FitHooks())


def factors_of(fit: Fit, steps: int, pace: float) -> list[float]:
    """The factors on the rates of a round of so many steps."""
    fit.begin_round(steps, pace)
    return [fit.factor(fit.standing.step + ahead) for ahead in range(steps)]


@pytest.mark.parametrize(
    "budget", [Budget(steps=1), Budget(max_time=60.0), Budget(target_psnr=90.0)]
)
def test_the_first_step_of_every_budget_has_a_rate(budget: Budget) -> None:
    assert 0.0 < factors_of(fit_of(budget), 1, pace=0.0)[0] <= 1.0


def test_the_rate_falls_to_nothing_and_restarts_where_only_quality_ends_a_fit() -> None:
    bounded, unbounded = fit_of(Budget(steps=70)), fit_of(Budget(target_psnr=90.0), 70)
    factors = factors_of(unbounded, 210, pace=0.5)
    assert factors[:70] == pytest.approx(factors_of(bounded, 70, pace=0.5))
    assert factors[69] < 0.01 < 0.9 < max(factors[70:80])
    assert factors[209] < 0.01
    # Steps on the way come to the ends of cycles, and to the reports.
    assert (unbounded.steps_ahead(1e-9), bounded.steps_ahead(1e-9)) == (50, 50)
    unbounded.standing.step = bounded.standing.step = 50
    assert (unbounded.steps_ahead(1e-9), bounded.steps_ahead(1e-9)) == (20, 20)
    unbounded.standing.step = 70
    assert unbounded.steps_ahead(1e-9) == 30


def test_the_rate_of_a_budget_in_seconds_follows_the_time() -> None:
    by_steps, in_time = fit_of(Budget(steps=100)), fit_of(Budget(max_time=50.0), 100)
    in_time.standing.step = by_steps.standing.step = 1
    in_time.standing.seconds = 0.5
    assert factors_of(in_time, 99, 0.5) == pytest.approx(factors_of(by_steps, 99, 0.5))
    in_time.standing.step, in_time.standing.seconds = 50, 49.0
    assert factors_of(in_time, 1, pace=0.5)[0] < 0.01


def test_the_last_part_of_a_good_fit_is_refined() -> None:
    signal = array_signal(np.sin(np.linspace(0, 2 * np.pi, 64, endpoint=False)))
    config = settings(budget=Budget(steps=500), batch=29, width=32, omega=(2.0,))
    kind = StubKind()
    run_plan(signal, kind.takes(make_plan(signal, config)), FitHooks())
    # By the first report after four fifths of the budget, 50 dB having been reached.
    assert kind.steps == ["bfloat16"] * 450 + ["float32"] * 50
    poor = StubKind()
    run_plan(picture(), poor.takes(make_plan(picture(), config)), FitHooks())
    assert poor.steps == ["bfloat16"] * 500


def test_the_record_tells_how_it_was_fitted() -> None:
    config = settings("lambert:sigma_a=1", omega=(20.0,), learning_rate=1e-3, batch=100, seed=9)
    record = fit_signal(picture(), config).report.record
    assert record.initializer == "lambert:sigma_a=1"
    assert record.omega == (20.0, 20.0)
    assert record.learning_rates == pytest.approx((1e-3, 1e-3, 1e-3))
    assert (record.batch, record.seed, record.steps) == (100, 9, 150)
    assert fit_signal(even_picture(9), settings()).report.record.batch == 1


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_quality_ends_a_fit(dtype: str) -> None:
    budget = Budget(steps=20_000, target_psnr=22.0)
    result = fit_signal(picture(), settings(budget=budget, dtype=dtype))
    assert result.report.ended_by == "quality"
    assert reached(result) >= 22.0
    assert result.report.record.steps < 20_000


def test_quality_alone_ends_a_fit() -> None:
    result = fit_signal(picture(), settings(budget=Budget(target_psnr=22.0)))
    assert result.report.ended_by == "quality"
    assert reached(result) >= 22.0


def test_quality_out_of_reach_ends_on_a_plateau() -> None:
    noise = array_signal(np.random.default_rng(0).normal(size=(40, 40)))
    config = settings(width=2, depth=1, budget=Budget(target_psnr=60.0))
    plan = dataclasses.replace(make_plan(noise, config), steps=70)
    seen: list[Progress] = []
    result = run_plan(noise, plan, FitHooks(on_progress=seen.append), clock=Clock())
    record = result.report.record
    assert result.report.ended_by == "plateau"
    # Cycles of 70, 140, 280 steps and so on end after 70, 210, 490.
    assert record.steps in [70 * (2**cycle - 1) for cycle in range(1, 12)]
    assert reached(result) < 60.0
    slowly = run_plan(noise, plan, FitHooks(), clock=Clock(SLOW))
    assert encode_field(slowly.field) == encode_field(result.field)
    fitting = [progress for progress in seen if progress.phase == "fitting"]
    assert fitting
    assert all(progress.share is None and progress.remaining is None for progress in fitting)


def start_psnr(signal: Signal) -> float:
    return reached(fit_signal(signal, settings(**STILL)))


@pytest.mark.parametrize(
    ("rate", "steps"), [(10.0, 20), (1e20, 20), (1e20, 70), (1e20, 300), (1e38, 20), (1e38, 300)]
)
def test_a_fit_that_diverges_hands_over_its_best_weights(rate: float, steps: int) -> None:
    signal = dataclasses.replace(
        picture(), spec=dataclasses.replace(picture().spec, source="a.png")
    )
    config = settings(budget=Budget(steps=steps), learning_rate=rate)
    with pytest.raises(
        FitDivergedError, match=r"a\.png: diverged.*lower `learning_rate` than"
    ) as caught:
        fit_signal(signal, config)
    assert "\n" not in str(caught.value)
    result = caught.value.result
    assert result.report.ended_by == "divergence"
    assert bool(result.field.network.values.isfinite().all())
    assert reached(result) >= start_psnr(signal) - 0.01
    assert reached(result) == pytest.approx(measured(result, signal)[1], abs=0.01)
    assert decode_field(encode_field(result.field), "name").record == result.report.record


def test_a_continued_fit_that_diverges_is_not_told_to_begin_otherwise() -> None:
    signal = picture()
    earlier = fit_signal(signal, settings()).field
    config = settings(budget=Budget(steps=300), learning_rate=1e20)
    with pytest.raises(FitDivergedError, match=r"lower `learning_rate` than 1e\+20$"):
        fit_signal(signal, config, start_from=earlier)


@pytest.mark.parametrize("factor", [1.05, math.inf])
def test_a_late_divergence_keeps_what_was_reached(factor: float) -> None:
    def spoil(number: int, network: Network) -> None:
        if number > 500:
            network.values.mul_(factor)

    signal = picture()
    plan = StubKind(spoil).takes(make_plan(signal, settings(budget=Budget(steps=1000))))
    with pytest.raises(FitDivergedError) as caught:
        run_plan(signal, plan, FitHooks())
    result = caught.value.result
    assert 500 < result.report.record.steps <= 900
    assert reached(result) > start_psnr(signal) + 2


def test_smaller_pieces_are_told_once() -> None:
    signal = picture((40, 40), 3)
    config = settings(batch=300, budget=Budget(steps=200), learning_rate=1e-4)
    plan = make_plan(signal, config)
    notices: list[str] = []
    hooks = FitHooks(on_notice=notices.append)
    expected = run_plan(signal, StubKind().takes(plan), hooks).report.record
    assert not notices
    scarce = StubKind(room=100).takes(plan)
    record = run_plan(signal, scarce, hooks).report.record
    assert notices == ["the device has too little memory: working on 75 samples at a time"]
    assert record.psnr_float == pytest.approx(expected.psnr_float, abs=0.01)
    assert dataclasses.replace(record, psnr=0.0, psnr_float=0.0) == dataclasses.replace(
        expected, psnr=0.0, psnr_float=0.0
    )


def test_progress_goes_forward() -> None:
    signal = picture()
    seen: list[Progress] = []
    result = fit_signal(signal, settings(budget=Budget(steps=320)), on_progress=seen.append)
    fitting = [progress for progress in seen if progress.phase == "fitting"]
    measuring = seen[len(fitting) :]
    assert {progress.phase for progress in measuring} == {"measuring"}
    assert len(fitting) >= 5
    steps = [progress.step for progress in fitting]
    assert steps == sorted(set(steps))
    assert steps[-1] <= 320
    for phase in (fitting, measuring):
        shares = [progress.share for progress in phase]
        assert all(share is not None and 0 <= share <= 1 for share in shares)
        assert shares == sorted(shares, key=lambda share: share or 0.0)
        seconds = [progress.seconds for progress in phase]
        assert seconds == sorted(seconds)
        for progress in phase:
            assert progress.remaining is not None
            assert progress.remaining >= 0
            assert progress.samples_per_second >= 0
    assert measuring[-1].share == 1.0
    assert measuring[-1].remaining == 0.0
    # The shares of the fit are those of its steps, but for the one under way.
    assert all(
        abs((progress.share or 0) - progress.step / 320) <= 1.01 / 320 for progress in fitting
    )
    # The quality on the way becomes that of the end.
    assert fitting[-1].psnr == pytest.approx(reached(result), abs=1.5)
    assert measuring[-1].psnr == pytest.approx(reached(result), abs=0.01)


def test_measuring_tells_a_pace_that_there_was() -> None:
    """Either that of the fit, or that of the samples measured so far."""
    signal = picture()
    seen: list[Progress] = []
    result = fit_signal(signal, settings(budget=Budget(steps=200)), on_progress=seen.append)
    measuring = [progress for progress in seen if progress.phase == "measuring"]
    assert measuring
    for progress in measuring:
        done = (progress.share or 0.0) * signal.spec.sample_count
        assert progress.samples_per_second in (
            pytest.approx(result.report.samples_per_second, rel=0.05),
            pytest.approx(done / progress.seconds, rel=0.05),
        )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_what_is_measured_is_what_is_stored(dtype: str) -> None:
    signal = picture()
    result = fit_signal(signal, settings(dtype=dtype))
    values = result.field.network.values
    assert torch.equal(values.to(getattr(torch, dtype)).to(torch.float32), values)
    assert result.report.record.psnr == pytest.approx(measured(result, signal)[0], abs=0.01)
    loaded = decode_field(encode_field(result.field, getattr(torch, dtype)), "name")
    np.testing.assert_array_equal(loaded.render().samples, result.field.render().samples)


def test_the_report_counts_its_own_pace() -> None:
    report = fit_signal(picture(), settings()).report
    assert report.device == "cpu"
    assert report.samples_per_second == pytest.approx(
        report.record.steps * report.record.batch / report.seconds
    )


def test_a_large_signal_is_measured_on_some_of_its_samples() -> None:
    signal = array_signal(np.sin(np.linspace(0.0, 20.0, 1_200_000, dtype=np.float32)))
    config = settings(width=4, depth=1, omega=(20.0,), blocks=1, budget=Budget(steps=1))
    record = fit_signal(signal, config).report.record
    # Of a short fit no more than take a second or so, by the weights and 50 thousand besides: all
    # of them would be too many, and steps are odd.
    assert 1_200_000 / 3 <= 5e10 / (13 + 50_000) < 1_200_000
    assert record.psnr_samples == math.ceil(1_200_000 / 3)
    plan = make_plan(signal, config)
    exact = measure_quality(Blend(plan.start, plan.blocks), signal)
    still = fit_signal(signal, dataclasses.replace(config, **STILL)).report.record
    assert still.psnr_float == pytest.approx(exact.psnr_float, abs=0.05)
    assert still.psnr_float != exact.psnr_float
    assert fit_signal(picture(), settings(**STILL)).report.record.psnr_samples == 480


def test_a_fit_that_is_stopped_while_it_is_measured_is_whole() -> None:
    done = False

    def listen(progress: Progress) -> None:
        nonlocal done
        done = progress.step == 150

    config = settings(budget=Budget(steps=150))
    hooks = FitHooks(on_progress=listen, should_stop=lambda: done)
    with pytest.raises(FitNotMeasuredError, match="stopped after 150 steps, while") as caught:
        fit_signal(sound(), config, hooks=hooks)
    report, field = caught.value.result.report, caught.value.result.field
    record = report.record
    assert (record.psnr, record.psnr_float, record.snr, record.psnr_samples) == (None,) * 3 + (0,)
    assert report.ended_by == "steps"
    assert torch.equal(field.network.values, fit_signal(sound(), config).field.network.values)
    assert decode_field(encode_field(field), "name").record == record
