from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sinefit.errors import InputError, SettingError
from sinefit.fitting import together
from sinefit.fitting.budget import Budget
from sinefit.fitting.group import GroupHooks, GroupStoppedError
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.report import FitDivergedError, FitStoppedError
from sinefit.fitting.together import fit_together
from sinefit.rendering import evaluator
from sinefit.signals.signal import Signal

from .making import picture, settings, sound

if TYPE_CHECKING:
    from sinefit.errors import SinefitError
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.report import FitResult, Progress

LAYOUTS = ["side by side", "lockstep"]
SHAPES = [(24, 20), (20, 24), (30, 17), (24, 20)]


@pytest.fixture(params=LAYOUTS, autouse=True)
def _layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the fits in this way, whatever would be faster."""
    in_lockstep = request.param == "lockstep"
    monkeypatch.setattr(together, "stacking_pays", lambda *_: in_lockstep)


def pictures() -> list[Signal]:
    return [named(picture(shape, seed=seed), f"{seed}.png") for seed, shape in enumerate(SHAPES)]


def named(signal: Signal, name: str) -> Signal:
    return Signal(dataclasses.replace(signal.spec, source=name), signal.samples)


def alone(signals: list[Signal], config: FitConfig) -> list[FitResult]:
    return [fit_signal(signal, dataclasses.replace(config, threads=1)) for signal in signals]


def same_weights(one: FitResult, other: FitResult) -> bool:
    # A stack of another height rounds in another order.
    return all(
        torch.allclose(mine, theirs, rtol=0, atol=1e-4)
        for mine, theirs in zip(
            one.field.network.parameters(), other.field.network.parameters(), strict=True
        )
    )


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("init", ["siren", "tuner"])
def test_fits_together_are_those_made_alone(init: str, threads: int) -> None:
    signals = pictures()
    config = settings(
        init, width=64, depth=3, budget=Budget(steps=100), threads=threads, learning_rate=3e-4
    )
    results = fit_together(signals, config)
    for result, expected, signal in zip(results, alone(signals, config), signals, strict=True):
        assert result.field.spec == signal.spec
        assert result.report.ended_by == "steps"
        psnr = pytest.approx(expected.report.record.psnr_float, abs=0.1)
        assert result.report.record.psnr_float == psnr
        assert result.field.record.omega == expected.field.record.omega


def test_no_signals_no_fits() -> None:
    assert fit_together([], settings()) == []


def test_threads_are_as_they_were() -> None:
    before = torch.get_num_threads()
    fit_together(pictures(), settings(budget=Budget(steps=2), threads=2))
    assert torch.get_num_threads() == before


def test_each_fit_ends_by_its_own_budget() -> None:
    signals = pictures()
    # An even signal is at any quality at once; the others do not get there in so few steps.
    even = Signal(signals[1].spec, np.full((20, 24, 1), 128, np.uint8))
    config = settings(budget=Budget(steps=400, target_psnr=45.0), threads=2)
    results = fit_together([signals[0], even, signals[2]], config)
    assert [result.report.ended_by for result in results] == ["steps", "quality", "steps"]
    assert results[1].report.record.steps < 400


def test_a_fit_that_diverges_leaves_the_others_alone() -> None:
    signals = pictures()
    # Its targets are so far off the range that it states that their squares are infinite.
    wild = dataclasses.replace(signals[1].spec, high=1e-23, source="wild.png")
    signals[1] = Signal(wild, signals[1].samples)
    config = settings(budget=Budget(steps=100), omega=(30.0,), threads=2)
    ended: dict[int, FitResult | SinefitError] = {}
    results = fit_together(signals, config, GroupHooks(on_end=ended.__setitem__))
    good = [0, 2, 3]
    others = alone([signals[number] for number in good], config)
    for number, expected in zip(good, others, strict=True):
        assert results[number].report.record.psnr == pytest.approx(
            expected.report.record.psnr, abs=0.1
        )
        assert ended[number] is results[number]
    with pytest.raises(FitDivergedError) as failure:
        alone([signals[1]], config)
    assert failure.value.result.report.ended_by == "divergence"
    assert results[1].report.ended_by == "divergence"
    told = ended[1]
    assert isinstance(told, FitDivergedError)
    assert told.result is results[1]
    assert "wild.png" in str(told)


def test_progress_is_that_of_the_group() -> None:
    seen: list[Progress] = []
    config = settings(budget=Budget(steps=200), threads=2)
    fit_together(pictures(), config, GroupHooks(on_progress=seen.append))
    shares = [progress.share for progress in seen]
    assert all(share is not None for share in shares)
    assert shares == sorted(shares, key=lambda share: share or 0.0)
    assert seen[-1].share == pytest.approx(1.0, abs=0.01)
    assert seen[-1].step == 200
    assert {progress.phase for progress in seen} == {"fitting"}


def test_hooks_are_called_one_at_a_time() -> None:
    busy = threading.Lock()
    calls = []

    def note(*_: object) -> None:
        assert busy.acquire(blocking=False)
        calls.append(1)
        busy.release()

    config = settings(budget=Budget(steps=200), threads=4)
    hooks = GroupHooks(
        on_progress=note, on_end=note, on_checkpoint=note, checkpoint_every=0.0, on_notice=note
    )
    fit_together(pictures(), config, hooks)
    assert len(calls) > 4


def test_a_stopped_group_keeps_what_is_done_and_goes_on_to_the_same_end() -> None:
    signals = pictures()
    config = settings(budget=Budget(steps=200), threads=1)
    ended: dict[int, FitResult | SinefitError] = {}
    steps = [0]

    def stop() -> bool:
        steps[0] += 1
        return steps[0] > 300

    with pytest.raises(GroupStoppedError) as stopped:
        fit_together(signals, config, GroupHooks(should_stop=stop, on_end=ended.__setitem__))
    error = stopped.value
    for number, (result, checkpoint) in enumerate(
        zip(error.results, error.checkpoints, strict=True)
    ):
        assert result is None or checkpoint is None
        if checkpoint is not None:
            told = ended[number]
            assert isinstance(told, FitStoppedError)
            assert told.checkpoint is checkpoint
        else:
            assert ended.get(number) is result
    assert any(checkpoint is not None for checkpoint in error.checkpoints)
    whole = fit_together(signals, config)
    resumed = fit_together(signals, config, resume=error.checkpoints)
    for one, other in zip(whole, resumed, strict=True):
        assert same_weights(one, other)


def test_a_group_that_is_stopped_while_it_measures_is_not_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evaluator, "PIECE", 100)
    signals = pictures()
    measuring: list[int] = []

    def note(number: int, progress: Progress) -> None:
        if progress.phase == "measuring":
            measuring.append(number)

    hooks = GroupHooks(on_fit_progress=note, should_stop=lambda: len(measuring) > 0)
    with pytest.raises(GroupStoppedError) as stopped:
        fit_together(signals, settings(budget=Budget(steps=20), threads=1), hooks)
    result = stopped.value.results[measuring[0]]
    assert result is not None
    assert result.report.record.psnr is None
    assert measuring == measuring[:1]


def test_checkpoints_on_the_way_go_on_alone() -> None:
    signals = pictures()[:2]
    config = settings(budget=Budget(steps=60))
    kept: dict[int, Checkpoint] = {}
    hooks = GroupHooks(on_checkpoint=kept.setdefault, checkpoint_every=0.0)
    results = fit_together(signals, config, hooks)
    for number, signal in enumerate(signals):
        again = fit_signal(signal, config, resume=kept[number])
        psnr = pytest.approx(results[number].report.record.psnr_float, abs=0.1)
        assert again.report.record.psnr_float == psnr


@pytest.mark.processor
def test_a_start_from_a_field_is_that_of_all() -> None:
    signals = pictures()[:2]
    field = fit_signal(signals[0], settings(width=32)).field
    # At a high rate what rounded factors change would grow with every step.
    config = settings(budget=Budget(steps=50), learning_rate=3e-4)
    results = fit_together(signals, config, start_from=field)
    for result, signal in zip(results, signals, strict=True):
        expected = fit_signal(signal, config, start_from=field)
        assert result.field.network.size == field.network.size
        psnr = pytest.approx(expected.report.record.psnr_float, abs=0.01)
        assert result.report.record.psnr_float == psnr


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (sound(), "other has 1 coordinates, first.png has 2: .*fit it apart"),
        (picture(channels=3), "other has 3 channels, first.png has 1"),
        (picture((5, 5)), "other has 25 samples per step, first.png has 256: .*`batch`"),
    ],
)
def test_signals_that_differ_are_named(other: Signal, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        fit_together([named(picture(), "first.png"), named(other, "other")], settings())


def test_widths_that_follow_the_signals_must_agree() -> None:
    small, large = picture((4, 4)), named(picture((200, 200)), "large.png")
    config = settings(width=None, batch=16, depth=1, budget=Budget(steps=2))
    message = r"large\.png has \d+ neurons per layer, signal 0 has 64: .*give a `width`"
    with pytest.raises(SettingError, match=message):
        fit_together([small, large], config)
    for result in fit_together([small, small], config):
        assert result.field.network.size == config.size_for(small.spec)


def test_a_signal_without_samples_is_named() -> None:
    spec = picture().spec.with_shape((0, 5))
    empty = named(Signal(spec, np.zeros((0, 5, 1), np.uint8)), "empty.png")
    with pytest.raises(InputError, match=r"empty\.png: it has no samples"):
        fit_together([picture(), empty], settings())


def test_a_fit_that_cannot_be_made_is_told_when_the_others_are_done() -> None:
    signals = pictures()
    config = settings(omega=(1e6,), storage="float16", threads=2)
    ended: dict[int, FitResult | SinefitError] = {}
    with pytest.raises(SettingError, match="`dtype` is float16"):
        fit_together(signals, config, GroupHooks(on_end=ended.__setitem__))
    assert sorted(ended) == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["on_progress", "on_end", "on_checkpoint"])
def test_a_hook_that_fails_ends_the_group(name: str) -> None:
    class HookError(Exception):
        pass

    def fail(*_: object) -> None:
        raise HookError

    # Only the end of the group can end a fit of so many steps, unless its end is what is awaited.
    config = settings(budget=Budget(steps=60 if name == "on_end" else 10**7), threads=2)
    hooks = dataclasses.replace(GroupHooks(checkpoint_every=0.0), **{name: fail})
    with pytest.raises(HookError):
        fit_together(pictures(), config, hooks)
