from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sinefit.errors import DeviceError, InputError, SettingError
from sinefit.fields.field import Field
from sinefit.fields.weights_file import decode_field, encode_field
from sinefit.fitting import loop, measure
from sinefit.fitting.budget import Budget
from sinefit.fitting.engines import fast_operands
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.report import FitDivergedError, FitNotMeasuredError
from sinefit.fitting.training import Training
from sinefit.initializers.registry import INITIALIZERS, parse_initializer
from sinefit.networks.sine import SineNetwork
from sinefit.networks.size import NetworkSize
from sinefit.signals.array.reading import array_signal
from sinefit.signals.signal import Signal

from .making import (
    clip,
    decibels,
    even_picture,
    globe,
    natural,
    outputs_of,
    picture,
    settings,
    sound,
)

if TYPE_CHECKING:
    from sinefit.fitting.report import FitResult, Progress

STILL: dict[str, Any] = {"budget": Budget(steps=1), "learning_rate": 1e-30}
"""Settings that leave the starting weights as they are, but for what float32 cannot tell."""


def measured(result: FitResult, signal: Signal) -> tuple[float, float]:
    """PSNR as saved and in float, by formulas of this test alone."""
    spec = signal.spec
    values = outputs_of(result.field.network, spec).astype(np.float64)
    values = (values + 1) / 2 * (spec.high - spec.low) + spec.low
    if spec.dtype == "bool":
        stored = (values >= 0.5).astype(np.float64)
    elif np.issubdtype(np.dtype(spec.dtype), np.integer):
        limits = np.iinfo(spec.dtype)
        stored = np.clip(np.rint(values), limits.min, limits.max)
    else:
        stored = values
    truth = signal.samples.astype(np.float64)
    width = spec.high - spec.low
    exact = not np.any(stored - truth)
    return (
        math.inf if exact else decibels(stored - truth, width),
        decibels(values - truth, width),
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
    start = fit_signal(signal, settings(**STILL)).report.record
    result = fit_signal(signal, settings(budget=Budget(steps=200)))
    record, field = result.report.record, result.field
    saved, exact = measured(result, signal)
    assert record.psnr == pytest.approx(saved, abs=0.01)
    assert record.psnr_float == pytest.approx(exact, abs=0.01)
    assert record.psnr_float > start.psnr_float + 1
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
    assert min(record.psnr, 100) == pytest.approx(min(saved, 100), abs=0.05)
    assert min(record.psnr_float, 100) == pytest.approx(min(exact, 100), abs=0.05)
    assert exact > 20


def test_a_signal_without_samples_cannot_be_fitted() -> None:
    spec = dataclasses.replace(sound().spec, shape=(0,), source="silence.wav")
    with pytest.raises(InputError, match=r"silence\.wav: it has no samples"):
        fit_signal(Signal(spec, np.zeros((0, 1), np.float32)), settings())


@pytest.mark.parametrize("init", INITIALIZERS)
def test_every_scheme_can_be_fitted(init: str) -> None:
    signal = picture()
    start = fit_signal(signal, settings(init, **STILL)).report.record
    result = fit_signal(signal, settings(init))
    assert result.report.record.psnr_float > start.psnr_float
    assert result.report.record.initializer == init


@pytest.mark.parametrize("init", INITIALIZERS)
def test_a_single_step_changes_the_weights(init: str) -> None:
    signal = picture()
    start = fit_signal(signal, settings(init, **STILL)).field.network
    result = fit_signal(signal, settings(init, budget=Budget(steps=1)))
    for before, after in zip(start.biases, result.field.network.biases, strict=True):
        assert not torch.allclose(before, after, rtol=0.0, atol=1e-6)


@pytest.mark.parametrize(
    "budget", [Budget(steps=1), Budget(max_time=60.0), Budget(target_psnr=90.0)]
)
def test_the_first_step_of_every_budget_has_a_rate(budget: Budget) -> None:
    signal = picture()
    training = Training(signal, settings(budget=budget), torch.device("cpu"))
    fit = loop.Fit(signal, training, loop.FitHooks(), clock=lambda: 0.0)
    assert 0.0 < next(fit.steps()) <= 1.0


def test_frozen_and_bounded_weights_are_respected() -> None:
    signal = picture()
    start = fit_signal(signal, settings("tuner", **STILL)).field.network
    end = fit_signal(signal, settings("tuner:bound_low=0.1:bound_high=0.1")).field.network
    assert torch.equal(end.weights[0], start.weights[0])
    assert not torch.equal(end.biases[0], start.biases[0])
    # Integer frequencies of period 4.
    frequencies = end.weights[0] * 2 / math.pi
    torch.testing.assert_close(frequencies, frequencies.round())
    assert float(end.weights[1].detach().abs().max()) == pytest.approx(0.1)


def test_the_same_seed_gives_the_same_bytes() -> None:
    signal = picture()
    contents = [encode_field(fit_signal(signal, settings(seed=5)).field) for _ in range(2)]
    assert contents[0] == contents[1]
    other = fit_signal(signal, settings(seed=6)).field.network
    same = decode_field(contents[0], "name").network
    assert not torch.equal(other.weights[0], same.weights[0])


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
    qualities = [
        fit_signal(
            signal, settings(width=32, depth=3, batch=512, budget=Budget(steps=800), engine=engine)
        ).report.record.psnr_float
        for engine in ("auto", "manual", "autograd")
    ]
    # Another order of sums alone makes a difference of up to 0.4 dB by the end of such a fit; how
    # close the engines are in a step is held by their own tests.
    assert qualities == pytest.approx([qualities[-1]] * 3, abs=0.6)
    assert qualities[-1] > 30


def test_low_precision_does_not_limit_a_good_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few waves, which a network of this size can hold to the last bit."""
    places = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    waves = np.sin(places)[:, None] + np.cos(2 * places)[None, :]
    signal = array_signal(waves.astype(np.float32))
    config = settings(width=64, depth=3, batch=2048, budget=Budget(steps=1500), omega=(4.0,))
    fitted = fit_signal(signal, config).report.record.psnr_float
    monkeypatch.setattr(loop, "FINE_PSNR", math.inf)
    coarse = fit_signal(signal, config).report.record.psnr_float
    assert fitted > 60
    assert fitted > coarse + 1 or fast_operands(torch.device("cpu")) == torch.float32


def test_the_last_part_of_a_good_fit_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    refined = []
    monkeypatch.setattr(Training, "refine", lambda training: refined.append(training))
    monkeypatch.setattr(loop, "FINE_PSNR", 5.0)
    reports: list[Progress] = []

    def listen(progress: Progress) -> None:
        if not refined:
            reports.append(progress)

    fit_signal(picture(), settings(budget=Budget(steps=1000)), on_progress=listen)
    assert len(refined) == 1
    assert reports[-1].step == 1000 * loop.FINE_SHARE + 50
    monkeypatch.setattr(loop, "FINE_PSNR", 99.0)
    fit_signal(picture(), settings(budget=Budget(steps=1000)))
    assert len(refined) == 1


def test_the_record_tells_how_it_was_fitted() -> None:
    config = settings("lambert:sigma_a=1", omega=(20.0,), learning_rate=1e-3, batch=100, seed=9)
    record = fit_signal(picture(), config).report.record
    assert record.initializer == "lambert:sigma_a=1"
    assert record.omega == (20.0, 20.0)
    assert record.learning_rates == pytest.approx((1e-3, 1e-3, 1e-3))
    assert (record.batch, record.seed, record.steps) == (100, 9, 150)
    assert fit_signal(even_picture(9), settings()).report.record.batch == 1


def test_time_ends_a_fit() -> None:
    result = fit_signal(picture(), settings(budget=Budget(max_time=0.05)))
    assert result.report.ended_by == "time"
    assert result.report.record.steps >= 1
    assert result.report.seconds >= 0.05


def test_steps_end_a_fit_before_the_time_does() -> None:
    result = fit_signal(picture(), settings(budget=Budget(steps=3, max_time=3600.0)))
    assert (result.report.ended_by, result.report.record.steps) == ("steps", 3)


@pytest.mark.parametrize("storage", ["float32", "float16", "bfloat16"])
def test_quality_ends_a_fit(storage: str) -> None:
    budget = Budget(steps=20_000, target_psnr=22.0)
    result = fit_signal(picture(), settings(budget=budget, storage=storage))
    assert result.report.ended_by == "quality"
    assert result.report.record.psnr_float >= 22.0
    assert result.report.record.steps < 20_000


def test_quality_alone_ends_a_fit() -> None:
    result = fit_signal(picture(), settings(budget=Budget(target_psnr=22.0)))
    assert result.report.ended_by == "quality"
    assert result.report.record.psnr_float >= 22.0


def test_quality_out_of_reach_ends_on_a_plateau(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "default_steps", lambda _: 100)
    noise = array_signal(np.random.default_rng(0).normal(size=(40, 40)))
    config = settings(width=2, depth=1, budget=Budget(target_psnr=60.0))
    result = fit_signal(noise, config)
    assert result.report.ended_by == "plateau"
    # Cycles of 100, 200, 400 steps and so on end after 100, 300, 700.
    assert result.report.record.steps in [100 * (2**cycle - 1) for cycle in range(1, 12)]
    assert result.report.record.psnr_float < 60.0


def start_psnr(signal: Signal) -> float:
    return fit_signal(signal, settings(**STILL)).report.record.psnr_float


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
    assert all(bool(torch.isfinite(part).all()) for part in result.field.network.parameters())
    assert result.report.record.psnr_float >= start_psnr(signal) - 0.01
    assert result.report.record.psnr_float == pytest.approx(measured(result, signal)[1], abs=0.01)
    assert decode_field(encode_field(result.field), "name").record == result.report.record


@pytest.mark.parametrize("rate", [None, 0.5])
@pytest.mark.parametrize("name", ["siren", "tuner", "winner", "torch"])
def test_the_rate_that_is_advised_against_is_one_that_matters(
    name: str, rate: float | None
) -> None:
    config = dataclasses.replace(
        settings(learning_rate=rate, depth=3), initializer=parse_initializer(name)
    )
    training = Training(picture(), config, torch.device("cpu"))
    lower = dataclasses.replace(config, learning_rate=training.base_rate * 0.999)
    slower = Training(picture(), lower, torch.device("cpu"))
    assert all(a < b for a, b in zip(slower.rates, training.rates, strict=True))
    assert rate is None or training.base_rate == pytest.approx(rate)


def test_a_continued_fit_that_diverges_is_not_told_to_begin_otherwise() -> None:
    signal = picture()
    earlier = fit_signal(signal, settings()).field
    config = settings(budget=Budget(steps=300), learning_rate=1e20)
    with pytest.raises(FitDivergedError, match=r"lower `learning_rate` than 1e\+20$"):
        fit_signal(signal, config, start_from=earlier)


def test_a_late_divergence_keeps_what_was_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "rate_factor", lambda _, progress: 1.0 if progress < 0.5 else 1e20)
    signal = picture()
    with pytest.raises(FitDivergedError) as caught:
        fit_signal(signal, settings(budget=Budget(steps=1000)))
    assert caught.value.result.report.record.psnr_float > start_psnr(signal) + 2


def test_a_fit_can_be_continued() -> None:
    signal = picture()
    earlier = fit_signal(signal, settings(width=20, depth=3))
    before = [part.detach().clone() for part in earlier.field.network.parameters()]
    start = fit_signal(signal, settings(**STILL), start_from=earlier.field)
    assert start.report.record.psnr_float == pytest.approx(
        earlier.report.record.psnr_float, abs=1e-6
    )
    result = fit_signal(signal, settings(budget=Budget(steps=400)), start_from=earlier.field)
    assert result.field.network.size == NetworkSize(2, 20, 3, 1)
    assert result.report.record.psnr_float > earlier.report.record.psnr_float
    assert result.report.record.steps == 400
    for kept, parameter in zip(before, earlier.field.network.parameters(), strict=True):
        assert torch.equal(kept, parameter)


def test_continuing_a_good_fit_is_not_divergence() -> None:
    """At the full learning rate quality falls for a while, far below where it was."""
    line = array_signal(natural((32,)))
    config = settings(width=32, depth=3, batch=512, budget=Budget(steps=2500))
    earlier = fit_signal(line, config)
    assert earlier.report.record.psnr_float > 45
    result = fit_signal(line, config, start_from=earlier.field)
    assert result.report.ended_by == "steps"
    # Beyond 90 dB it is the rounding of float32 that decides.
    assert result.report.record.psnr_float > min(earlier.report.record.psnr_float - 3, 90)


def test_continuing_a_perfect_fit_is_not_divergence() -> None:
    signal = even_picture(255)
    network = SineNetwork(
        [torch.zeros((4, 2)), torch.zeros((1, 4))], [torch.zeros(4), torch.ones(1)]
    )
    record = fit_signal(signal, settings(**STILL)).report.record
    result = fit_signal(signal, settings(), start_from=Field(network, signal.spec, record))
    assert result.report.record.psnr == math.inf


def test_another_signal_can_be_continued_if_it_is_alike() -> None:
    earlier = fit_signal(picture((10, 12)), settings()).field
    assert fit_signal(picture((20, 24)), settings(), start_from=earlier).field.spec.shape == (
        20,
        24,
    )
    for other in (picture(channels=3), sound(), clip()):
        with pytest.raises(
            SettingError, match="`start_from` holds a field of 2 coordinates and 1 chann"
        ):
            fit_signal(other, settings(), start_from=earlier)


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
    assert fitting[-1].psnr == pytest.approx(result.report.record.psnr_float, abs=1.5)
    assert measuring[-1].psnr == pytest.approx(result.report.record.psnr_float, abs=0.01)


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


def test_without_limits_the_share_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "default_steps", lambda _: 60)
    seen: list[Progress] = []
    noise = array_signal(np.random.default_rng(0).normal(size=(20, 20)))
    config = settings(width=1, depth=1, budget=Budget(target_psnr=90.0))
    fit_signal(noise, config, on_progress=seen.append)
    fitting = [progress for progress in seen if progress.phase == "fitting"]
    assert fitting
    assert all(progress.share is None and progress.remaining is None for progress in fitting)


def test_an_error_in_the_callback_reaches_the_caller() -> None:
    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_signal(picture(), settings(), on_progress=stop)


@pytest.mark.parametrize("storage", ["float16", "bfloat16"])
def test_what_is_measured_is_what_is_stored(storage: str) -> None:
    signal = picture()
    result = fit_signal(signal, settings(storage=storage))
    for parameter in result.field.network.parameters():
        rounded = parameter.detach().to(getattr(torch, storage)).to(torch.float32)
        assert torch.equal(rounded, parameter)
    assert result.report.record.psnr == pytest.approx(measured(result, signal)[0], abs=0.01)
    loaded = decode_field(encode_field(result.field, getattr(torch, storage)), "name")
    np.testing.assert_array_equal(loaded.render().samples, result.field.render().samples)


def test_weights_too_large_for_their_type_are_told_before_the_work() -> None:
    seen: list[Progress] = []
    config = settings(omega=(1e6,), storage="float16")
    with pytest.raises(SettingError, match="`dtype` is float16"):
        fit_signal(picture(), config, on_progress=seen.append)
    assert not seen


def test_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    fit_signal(even_picture(3), settings(threads=before + 1, budget=Budget(steps=2)))
    assert torch.get_num_threads() == before


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="`device` is cuda"):
        fit_signal(picture(), settings(device="cuda"))


def test_the_default_budget_is_that_of_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "default_steps", lambda _: 7)
    assert fit_signal(picture(), settings(budget=None)).report.record.steps == 7


def test_the_report_counts_its_own_pace() -> None:
    report = fit_signal(picture(), settings()).report
    assert report.device == "cpu"
    assert report.samples_per_second == pytest.approx(
        report.record.steps * report.record.batch / report.seconds
    )


def test_a_large_signal_is_measured_on_some_of_its_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SHORT_WORK", 0.0)
    monkeypatch.setattr(measure, "FEWEST_MEASURED", 500)
    signal = picture((100, 90))
    config = settings(budget=Budget(steps=100))  # 256 samples each
    results = [fit_signal(signal, config) for _ in range(2)]
    record = results[0].report.record
    assert record.psnr_samples == 100 * 256 / 20
    assert results[1].report.record == record
    saved, exact = measured(results[0], signal)
    assert record.psnr == pytest.approx(saved, abs=0.5)
    assert record.psnr_float == pytest.approx(exact, abs=0.5)
    assert record.psnr_float != pytest.approx(exact, abs=1e-6)
    assert fit_signal(picture(), config).report.record.psnr_samples == 480


def test_a_fit_that_is_stopped_while_it_is_measured_is_whole() -> None:
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 150

    config = settings(budget=Budget(steps=150))
    with pytest.raises(FitNotMeasuredError, match="stopped after 150 steps, while") as caught:
        fit_signal(sound(), config, hooks=FitHooks(should_stop=should_stop))
    report, field = caught.value.result.report, caught.value.result.field
    record = report.record
    assert (record.psnr, record.psnr_float, record.snr, record.psnr_samples) == (None,) * 3 + (0,)
    assert report.ended_by == "steps"
    whole = fit_signal(sound(), config).field
    for mine, theirs in zip(field.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert decode_field(encode_field(field), "name").record == record
