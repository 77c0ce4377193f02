from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sinefit.errors import DeviceError
from sinefit.fields.field import Field
from sinefit.fields.weights_file import decode_field, encode_field
from sinefit.fitting.budget import Budget
from sinefit.fitting.checkpoint import decode_checkpoint, encode_checkpoint
from sinefit.fitting.draws import samples_of
from sinefit.fitting.fit import Fit
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import LOOK_EVERY, fit_signal, make_plan, run_plan, train
from sinefit.fitting.report import FitNotMeasuredError, FitStoppedError
from sinefit.fitting.trainer import Trainer
from sinefit.initializers.registry import INITIALIZERS
from sinefit.networks.size import NetworkSize
from sinefit.signals.array.reading import array_signal

from .making import (
    STILL,
    clip,
    constant_network,
    even_picture,
    globe,
    measured,
    natural,
    outputs_of,
    picture,
    reached,
    settings,
    sound,
)
from .stubs import Clock, StubKind

if TYPE_CHECKING:
    from sinefit.fitting.report import Progress
    from sinefit.signals.signal import Signal

ENGINES_OF_SETTINGS: tuple[Literal["reference", "torch", "auto"], ...] = (
    "reference",
    "torch",
    "auto",
)


SIGNALS = {
    "picture": picture(channels=3),
    "16 bits": picture(bits=16),
    "sound": sound(),
    "stereo": sound(300, 2),
    "clip": clip(),
    "array": array_signal(natural((7, 6, 5)) * 1e3 - 20),
    "integers": array_signal((natural((20, 20)) * 300 - 150).astype(np.int16)),
    "booleans": array_signal(natural((20, 20)) > 0.5),
    "halves": array_signal(natural((20, 20)).astype(np.float16)),
    "channels": array_signal(natural((9, 8, 5)), channels_last=True),
    "sphere": globe(),
}


@pytest.mark.parametrize("name", SIGNALS)
def test_every_kind_of_signal_is_fitted_and_measured(name: str) -> None:
    signal = SIGNALS[name]
    start = fit_signal(signal, settings(**STILL))
    result = fit_signal(signal, settings(budget=Budget(steps=200)))
    record, field = result.report.record, result.field
    saved, exact = measured(result, signal)
    assert record.psnr == pytest.approx(saved, abs=0.01)
    assert record.psnr_float == pytest.approx(exact, abs=0.01)
    assert reached(result) > reached(start) + 1
    assert record.psnr_range == signal.spec.value_range
    assert field.spec == signal.spec
    assert field.record == record
    assert (result.report.ended_by, record.steps) == ("steps", 200)
    assert field.network.size == NetworkSize(
        signal.spec.coordinate_features, 16, 2, signal.spec.channels
    )
    assert (record.snr is None) == (signal.spec.kind != "audio")


def test_the_signal_to_noise_ratio_of_a_sound() -> None:
    signal = sound()
    result = fit_signal(signal, settings())
    truth = signal.samples.astype(np.float64)
    error = outputs_of(result.field.network, signal.spec) * signal.spec.high - truth
    expected = 20 * math.log10(np.linalg.norm(truth) / np.linalg.norm(error))
    assert result.report.record.snr == pytest.approx(expected, abs=0.01)


@pytest.mark.processor
@pytest.mark.parametrize(
    "signal",
    [
        even_picture(200),
        even_picture(31, (5, 6)),
        sound(1),
        picture((1, 30)),
        array_signal(np.zeros((1, 1, 1, 1))),
        array_signal(np.full(9, 1e8)),
        array_signal(np.ones((1, 1)), domain="sphere"),
        array_signal(np.array([False])),
    ],
)
def test_signals_that_hardly_are_any(signal: Signal) -> None:
    result = fit_signal(signal, settings(budget=Budget(steps=400)))
    saved, exact = measured(result, signal)
    # From about 100 dB on, the rounding of float32 is most of the error of a single value.
    record = result.report.record
    assert record.psnr is not None
    assert min(record.psnr, 100) == pytest.approx(min(saved, 100), abs=0.05)
    assert min(reached(result), 100) == pytest.approx(min(exact, 100), abs=0.05)
    assert exact > 20


@pytest.mark.parametrize("init", INITIALIZERS)
def test_every_scheme_can_be_fitted(init: str) -> None:
    signal = picture()
    start = fit_signal(signal, settings(init, **STILL))
    result = fit_signal(signal, settings(init))
    assert reached(result) > reached(start)
    assert result.report.record.initializer == init


@pytest.mark.parametrize("init", INITIALIZERS)
def test_a_single_step_changes_the_weights(init: str) -> None:
    signal = picture()
    start = fit_signal(signal, settings(init, **STILL)).field.network
    result = fit_signal(signal, settings(init, budget=Budget(steps=1)))
    for name, after in result.field.network.parameters.items():
        if name.endswith("bias"):
            assert not torch.allclose(start.parameters[name], after, rtol=0.0, atol=1e-6)


def test_frozen_and_bounded_weights_are_respected() -> None:
    signal = picture()
    start = fit_signal(signal, settings("tuner", **STILL)).field.network
    end = fit_signal(signal, settings("tuner:bound_low=0.1:bound_high=0.1")).field.network
    first = end.parameters["layers.0.weight"]
    assert torch.equal(first, start.parameters["layers.0.weight"])
    assert not torch.equal(end.parameters["layers.0.bias"], start.parameters["layers.0.bias"])
    # Integer frequencies of period 4.
    frequencies = first * 2 / math.pi
    torch.testing.assert_close(frequencies, frequencies.round())
    assert float(end.parameters["layers.1.weight"].abs().max()) == pytest.approx(0.1)


def test_the_same_seed_gives_the_same_bytes() -> None:
    signal = picture()
    contents = [encode_field(fit_signal(signal, settings(seed=5)).field) for _ in range(2)]
    assert contents[0] == contents[1]
    other = fit_signal(signal, settings(seed=6)).field.network
    same = decode_field(contents[0], "name").network
    assert not torch.equal(other.values, same.values)


def test_neither_progress_nor_global_seeds_matter() -> None:
    signal = picture()
    torch.manual_seed(1)
    first = fit_signal(signal, settings())
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = fit_signal(signal, settings(), on_progress=lambda _: None)
    assert torch.equal(torch.get_rng_state(), state)
    assert encode_field(first.field) == encode_field(second.field)


@pytest.mark.processor
def test_all_engines_reach_the_same_quality() -> None:
    signal = picture((64, 64), seed=3)
    # At a rate so low that rounding is not made larger from step to step.
    config = settings(width=32, depth=3, batch=512, budget=Budget(steps=800), learning_rate=3e-4)
    reference, *others = (
        reached(fit_signal(signal, dataclasses.replace(config, engine=engine)))
        for engine in ENGINES_OF_SETTINGS
    )
    assert others == pytest.approx([reference, reference], abs=0.2)
    assert reference > 25


@pytest.mark.processor
def test_low_precision_does_not_limit_a_good_fit() -> None:
    """A few waves, which a network of this size can hold to the last bit."""
    places = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    waves = np.sin(places)[:, None] + np.cos(2 * places)[None, :]
    signal = array_signal(waves.astype(np.float32))
    config = settings(width=64, depth=3, batch=2048, budget=Budget(steps=1500), omega=(4.0,))
    plan = make_plan(signal, config)
    fitted = reached(run_plan(signal, plan, FitHooks()))
    assert fitted > 60
    if plan.precision != plan.last_precision:
        coarse = dataclasses.replace(plan, last_precision=plan.precision)
        assert fitted > reached(run_plan(signal, coarse, FitHooks())) + 1


def test_steps_end_a_fit_before_the_time_does() -> None:
    result = fit_signal(picture(), settings(budget=Budget(steps=3, max_time=3600.0)))
    assert (result.report.ended_by, result.report.record.steps) == ("steps", 3)


def test_a_fit_can_be_continued() -> None:
    signal = picture()
    earlier = fit_signal(signal, settings(width=20, depth=3))
    before = earlier.field.network.values.clone()
    start = fit_signal(signal, settings(**STILL), start_from=earlier.field)
    assert reached(start) == pytest.approx(reached(earlier), abs=1e-6)
    result = fit_signal(signal, settings(budget=Budget(steps=400)), start_from=earlier.field)
    assert result.field.network.size == NetworkSize(2, 20, 3, 1)
    assert reached(result) > reached(earlier)
    assert result.report.record.steps == 400
    assert torch.equal(earlier.field.network.values, before)


def test_continuing_a_good_fit_is_not_divergence() -> None:
    """At the full learning rate quality falls for a while, far below where it was."""
    line = array_signal(natural((32,)))
    config = settings(width=32, depth=3, batch=512, budget=Budget(steps=2500))
    earlier = fit_signal(line, config)
    assert reached(earlier) > 45
    result = fit_signal(line, config, start_from=earlier.field)
    assert result.report.ended_by == "steps"
    # Beyond 90 dB it is the rounding of float32 that decides.
    assert reached(result) > min(reached(earlier) - 3, 90)


def test_continuing_a_perfect_fit_is_not_divergence() -> None:
    signal = even_picture(255)
    network = constant_network(1.0)
    record = fit_signal(signal, settings(**STILL)).report.record
    result = fit_signal(signal, settings(), start_from=Field(network, signal.spec, record))
    assert result.report.record.psnr == math.inf


def test_an_error_in_the_callback_reaches_the_caller() -> None:
    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_signal(picture(), settings(), on_progress=stop)


def test_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    fit_signal(even_picture(3), settings(threads=before + 1, budget=Budget(steps=2)))
    assert torch.get_num_threads() == before


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(DeviceError, match="`device` is cuda:99"):
        fit_signal(picture(), settings(device="cuda:99"))


class UnevenClock:
    """A clock that moves on by one of these amounts after the other whenever it is read."""

    def __init__(self, ticks: list[float]) -> None:
        self._ticks = itertools.cycle(ticks)
        self._now = 0.0

    def __call__(self) -> float:
        self._now += next(self._ticks)
        return self._now


SOME = picture((30, 20), 3)
SOME_SETTINGS = settings(budget=Budget(steps=70), batch=97)
TICKS = st.lists(st.sampled_from([0.0, 1e-5, 0.003, 0.04, 0.7]), min_size=1, max_size=40)


@functools.cache
def whole() -> bytes:
    """What the settings make of the signal, left alone."""
    return encode_field(fit_signal(SOME, SOME_SETTINGS).field)


@hypothesis_settings(max_examples=10)
@given(TICKS)
def test_the_steps_of_a_budget_in_steps_do_not_hang_on_the_clock(ticks: list[float]) -> None:
    plan = make_plan(SOME, SOME_SETTINGS)
    result = run_plan(SOME, plan, FitHooks(), clock=UnevenClock(ticks))
    assert encode_field(result.field) == whole()


@hypothesis_settings(max_examples=15)
@given(TICKS, TICKS, st.integers(1, 72))
def test_a_fit_may_be_stopped_at_any_moment(
    ticks: list[float], later: list[float], looks: int
) -> None:
    asked = itertools.count(1)
    hooks = FitHooks(should_stop=lambda: next(asked) >= looks)
    plan = make_plan(SOME, SOME_SETTINGS)
    try:
        field = run_plan(SOME, plan, hooks, clock=UnevenClock(ticks)).field
    except FitNotMeasuredError as error:
        field = error.result.field
    except FitStoppedError as error:
        resume = decode_checkpoint(encode_checkpoint(error.checkpoint), "name")
        plan = make_plan(SOME, SOME_SETTINGS, resume=resume)
        field = run_plan(SOME, plan, FitHooks(), resume, UnevenClock(later)).field
        assert encode_field(field) == whole()
    assert torch.equal(field.network.values, decode_field(whole(), "name").network.values)


@hypothesis_settings(max_examples=15)
@given(st.floats(0.004, 0.6), st.floats(0.3, 1.0))
def test_a_budget_in_seconds_is_overrun_by_a_step_at_most(each: float, seconds: float) -> None:
    clock = Clock()

    def work(*_: object) -> None:
        clock.now += each

    signal = picture()
    config = settings(budget=Budget(max_time=seconds), planned_steps=100)
    plan = StubKind(work).takes(make_plan(signal, config))
    report = run_plan(signal, plan, FitHooks(), clock=clock).report
    assert report.ended_by == "time"
    assert seconds <= report.seconds < seconds + each + 1e-9
    assert report.record.steps == round(report.seconds / each)


@hypothesis_settings(max_examples=10)
@given(st.floats(0.001, 0.3), st.floats(0.3, 1.0))
def test_steps_that_a_device_has_yet_to_take_count_in_the_budget(
    each: float, seconds: float
) -> None:
    clock = Clock()
    asked: list[int] = []

    def wait(_device: torch.device) -> None:
        clock.now += each * len(asked)
        asked.clear()

    signal = picture()
    config = settings(budget=Budget(max_time=seconds), planned_steps=100)
    plan = StubKind(lambda number, _network: asked.append(number)).takes(make_plan(signal, config))
    trainer = Trainer([plan], [samples_of(plan, signal)], wait=wait)
    fit = Fit(signal, plan, trainer, FitHooks())
    train([fit], trainer, clock=clock)
    assert not asked  # before the last look at the clock
    assert seconds <= fit.standing.seconds < seconds + each + 1e-9
    assert fit.standing.step == round(fit.standing.seconds / each)


@hypothesis_settings(max_examples=10)
@given(st.floats(1e-4, 0.4))
def test_a_running_fit_looks_around_several_times_a_second(each: float) -> None:
    clock, steps, looks = Clock(), [0], []

    def work(number: int, _network: object) -> None:
        clock.now += each
        steps.append(number)

    def should_stop() -> bool:
        looks.append((steps[-1], clock.now))
        return False

    signal = picture()
    plan = StubKind(work).takes(make_plan(signal, settings()))
    run_plan(signal, plan, FitHooks(should_stop=should_stop), clock=clock)
    for (step, now), (next_step, later) in itertools.pairwise(looks):
        assert next_step == step + 1 or later - now <= LOOK_EVERY + 1e-9
        # And at every report.
        assert next_step <= 50 * (step // 50 + 1)


def test_time_ends_a_fit() -> None:
    report = fit_signal(picture(), settings(budget=Budget(max_time=0.05))).report
    assert report.ended_by == "time"
    assert report.record.steps >= 1
    assert report.seconds >= 0.05
