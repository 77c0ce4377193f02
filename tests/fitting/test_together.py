from __future__ import annotations

import dataclasses
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from sinefit.engines.registry import choose_engine
from sinefit.errors import InputError, SettingError, SinefitError
from sinefit.fitting.budget import Budget
from sinefit.fitting.group import GroupHooks, GroupStoppedError
from sinefit.fitting.group_plan import MOST_FITS, plan_together, stacking_pays
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal, make_plan
from sinefit.fitting.omega_choice import parse_omega
from sinefit.fitting.plan import FitPlan
from sinefit.fitting.report import FitDivergedError, FitStoppedError
from sinefit.fitting.samples import PartSamples
from sinefit.fitting.together import fit_together
from sinefit.signals.signal import Signal

from .making import picture, settings, sound

if TYPE_CHECKING:
    from typing import Any

    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.report import FitResult, Progress

ENGINES = {"side by side": "reference", "stacked": "auto"}
SHAPES = [(24, 20), (20, 24), (30, 17), (24, 20)]


@pytest.fixture(params=list(ENGINES.values()), ids=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    """Return an engine that has fits as small as these made in one of the two ways."""
    name: str = request.param
    for plan in plan_together([picture()], settings(width=32, engine=name)):
        assert stacking_pays(plan) == (name == "auto")  # type: ignore[arg-type]
    return name


def pictures(count: int = len(SHAPES)) -> list[Signal]:
    return [
        named(picture(SHAPES[seed % len(SHAPES)], seed=seed), f"{seed}.png")
        for seed in range(count)
    ]


def named(signal: Signal, name: str) -> Signal:
    return Signal(dataclasses.replace(signal.spec, source=name), signal.samples)


def even() -> Signal:
    """A signal that a fit is at any quality of at its first report."""
    return Signal(picture((20, 24)).spec, np.full((20, 24, 1), 128, np.uint8))


def alone(signals: list[Signal], config: FitConfig, **changes: Any) -> list[FitResult]:
    changes = {"threads": 1, **changes}
    return [fit_signal(signal, dataclasses.replace(config, **changes)) for signal in signals]


def check_close(one: FitResult, other: FitResult, tolerance: float) -> None:
    mine, theirs = one.field.network.values, other.field.network.values
    torch.testing.assert_close(mine, theirs, rtol=0, atol=tolerance)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("init", ["siren", "tuner"])
def test_fits_together_are_those_made_alone(engine: str, init: str, threads: int) -> None:
    signals = pictures()
    config = settings(
        init,
        width=32,
        depth=3,
        budget=Budget(steps=100),
        threads=threads,
        learning_rate=3e-4,
        engine=engine,
    )
    results = fit_together(signals, config)
    for result, expected, signal in zip(results, alone(signals, config), signals, strict=True):
        assert result.field.spec == signal.spec
        assert result.report.ended_by == "steps"
        psnr = pytest.approx(expected.report.record.psnr_float, abs=0.1)
        assert result.report.record.psnr_float == psnr
        assert result.field.record.omega == expected.field.record.omega


@pytest.mark.parametrize("init", ["siren", "tuner", "ws"])
def test_a_few_steps_of_a_stack_lead_to_the_weights_of_the_plain_engine(init: str) -> None:
    signals = pictures()
    config = settings(init, budget=Budget(steps=12))
    expected = alone(signals, config, engine="reference")
    for result, other in zip(fit_together(signals, config), expected, strict=True):
        check_close(result, other, 1e-5)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("shape", "width", "engine"),
    [((20, 17), 16, "reference"), ((36, 32), 64, "torch"), ((36, 32), 136, "auto")],
)
def test_fits_side_by_side_are_those_of_one_thread_to_the_bit(
    shape: tuple[int, int], width: int, engine: str, threads: int
) -> None:
    signals = [picture(shape, seed=seed) for seed in range(4)]
    config = settings(
        width=width,
        depth=3,
        batch=shape[0] * shape[1],
        budget=Budget(steps=40),
        engine=engine,
        threads=threads,
    )
    assert not stacking_pays(make_plan(signals[0], config))
    for result, expected in zip(fit_together(signals, config), alone(signals, config), strict=True):
        assert result.report.record == expected.report.record
        assert torch.equal(result.field.network.values, expected.field.network.values)


def test_more_fits_than_one_stack_holds_are_made_too() -> None:
    signals = [picture((6, 5), seed=seed) for seed in range(MOST_FITS + 2)]
    config = settings(width=8, budget=Budget(steps=6))
    expected = alone(signals, config, engine="reference")
    for result, other in zip(fit_together(signals, config), expected, strict=True):
        check_close(result, other, 1e-5)


def test_a_stack_of_long_signals_is_trained_without_a_table_of_their_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signals = pictures(2)
    config = settings(budget=Budget(steps=12), omega=(30.0,), batch=64, engine="torch")
    with_table = fit_together(signals, config)
    monkeypatch.setattr("sinefit.fitting.open_group.TABLE_BYTES", 4 * 3 * 2 * 24 * 20 - 1)

    def table(*_: object) -> None:
        raise AssertionError("a table of all samples")

    monkeypatch.setattr(PartSamples, "table", table)
    for result, other in zip(fit_together(signals, config), with_table, strict=True):
        check_close(result, other, 0.0)


def test_a_signal_of_several_blocks_is_not_stacked_with_others() -> None:
    """Of one width and batch as they are: the first alone does not tell."""
    signals = [picture((24, 20)), picture((60, 50), seed=1)]
    config = settings(budget=Budget(steps=6), blocks=None, batch=64, omega=(9.0,))
    plans = plan_together(signals, config)
    blocks = [plan.blocks.count for plan in plans if isinstance(plan, FitPlan)]
    assert blocks[0] == 1 < blocks[1]
    for result, other in zip(fit_together(signals, config), alone(signals, config), strict=True):
        assert result.field.blocks == other.field.blocks
        check_close(result, other, 1e-5)


def test_no_signals_no_fits() -> None:
    assert fit_together([], settings()) == []


def test_threads_are_as_they_were(engine: str) -> None:
    before = torch.get_num_threads()
    fit_together(pictures(), settings(budget=Budget(steps=2), threads=2, engine=engine))
    assert torch.get_num_threads() == before


def test_a_fit_that_ends_early_leaves_the_others_as_they_would_be(engine: str) -> None:
    signals = pictures(3)
    config = settings(
        budget=Budget(steps=200, target_psnr=45.0), threads=2, learning_rate=3e-4, engine=engine
    )
    results = fit_together([signals[0], even(), signals[2]], config)
    assert [result.report.ended_by for result in results] == ["steps", "quality", "steps"]
    assert results[1].report.record.steps < 200
    expected = alone(signals[::2], config, engine="reference")
    for result, other in zip(results[::2], expected, strict=True):
        check_close(result, other, 1e-4)


def test_a_target_that_is_reached_with_the_last_step_is_reached(engine: str) -> None:
    config = settings(budget=Budget(steps=100, target_psnr=35.0), engine=engine)
    results = fit_together([pictures(1)[0], even()], config)
    assert [result.report.ended_by for result in results] == ["steps", "quality"]


def test_a_fit_that_diverges_leaves_the_others_alone(engine: str) -> None:
    signals = pictures()
    # Its targets are so far off the range that it states that their squares are infinite.
    wild = dataclasses.replace(signals[1].spec, high=1e-23, source="wild.png")
    signals[1] = Signal(wild, signals[1].samples)
    config = settings(budget=Budget(steps=100), omega=(30.0,), threads=2, engine=engine)
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


def test_progress_is_that_of_the_group(engine: str) -> None:
    seen: list[Progress] = []
    config = settings(budget=Budget(steps=200), threads=2, engine=engine)
    fit_together(pictures(), config, GroupHooks(on_progress=seen.append))
    shares = [progress.share for progress in seen]
    assert all(share is not None for share in shares)
    assert shares == sorted(shares, key=lambda share: share or 0.0)
    assert seen[-1].share == pytest.approx(1.0, abs=0.01)
    assert seen[-1].step == 200
    assert {progress.phase for progress in seen} == {"fitting"}


def test_hooks_are_called_one_at_a_time(engine: str) -> None:
    busy = threading.Lock()
    calls = []

    def note(*_: object) -> None:
        assert busy.acquire(blocking=False)
        calls.append(1)
        busy.release()

    config = settings(budget=Budget(steps=200), threads=4, engine=engine)
    hooks = GroupHooks(
        on_progress=note, on_end=note, on_checkpoint=note, checkpoint_every=0.0, on_notice=note
    )
    fit_together(pictures(), config, hooks)
    assert len(calls) > 4


def test_a_stopped_group_keeps_what_is_done_and_goes_on_to_the_same_end(engine: str) -> None:
    signals = pictures()
    config = settings(budget=Budget(steps=200), threads=1, engine=engine)
    ended: dict[int, FitResult | SinefitError] = {}
    reports: list[int] = []
    hooks = GroupHooks(
        on_fit_progress=lambda number, _: reports.append(number),
        on_end=ended.__setitem__,
        # One at a time, a fit makes five with that of its measuring: the second is then on its way.
        should_stop=lambda: len(reports) >= 7,
    )
    with pytest.raises(GroupStoppedError) as stopped:
        fit_together(signals, config, hooks)
    error = stopped.value
    for number, (result, checkpoint) in enumerate(
        zip(error.results, error.checkpoints, strict=True)
    ):
        assert result is None or checkpoint is None
        if checkpoint is not None:
            told = ended[number]
            assert isinstance(told, FitStoppedError)
            assert told.checkpoint is checkpoint
            assert 0 < checkpoint.standing.step < 200
        else:
            assert ended.get(number) is result
    assert any(checkpoint is not None for checkpoint in error.checkpoints)
    whole = fit_together(signals, config)
    resumed = fit_together(signals, config, resume=error.checkpoints)
    for one, other in zip(whole, resumed, strict=True):
        # A stack of another height rounds in another order.
        check_close(one, other, 1e-4)


def test_no_fit_begins_in_a_group_that_is_to_stop(engine: str) -> None:
    hooks = GroupHooks(should_stop=lambda: True)
    with pytest.raises(GroupStoppedError, match="stopped when 0 of 2 fits had ended") as stopped:
        fit_together(pictures(2), settings(engine=engine), hooks)
    assert stopped.value.results == [None, None]
    assert stopped.value.checkpoints == [None, None]


def test_a_group_that_is_stopped_while_it_measures_is_not_done(engine: str) -> None:
    signals = pictures()
    begun: list[int] = []
    asked: list[bool] = []

    def note(number: int, progress: Progress) -> None:
        if progress.share == 1.0:
            begun.append(number)

    def should_stop() -> bool:
        # All steps are done with the last of the reports; the next to ask is who measures.
        asked.append(bool(begun))
        return asked[-1]

    hooks = GroupHooks(on_fit_progress=note, should_stop=should_stop)
    config = settings(budget=Budget(steps=50), threads=1, engine=engine)
    with pytest.raises(GroupStoppedError) as stopped:
        fit_together(signals, config, hooks)
    result = stopped.value.results[begun[0]]
    assert result is not None
    assert result.report.record.steps == 50
    assert result.report.record.psnr is None
    assert stopped.value.checkpoints[begun[0]] is None


def test_checkpoints_on_the_way_go_on_alone(engine: str) -> None:
    signals = pictures(2)
    config = settings(budget=Budget(steps=60), engine=engine)
    kept: dict[int, Checkpoint] = {}
    hooks = GroupHooks(on_checkpoint=kept.__setitem__, checkpoint_every=0.0)
    results = fit_together(signals, config, hooks)
    for number, signal in enumerate(signals):
        assert 50 <= kept[number].standing.step < 60
        again = fit_signal(signal, config, resume=kept[number])
        psnr = pytest.approx(results[number].report.record.psnr_float, abs=0.1)
        assert again.report.record.psnr_float == psnr


@pytest.mark.processor
def test_a_start_from_a_field_is_that_of_all(engine: str) -> None:
    signals = pictures(2)
    field = fit_signal(signals[0], settings(width=32)).field
    # At a high rate what rounded factors change would grow with every step.
    config = settings(budget=Budget(steps=50), learning_rate=3e-4, engine=engine)
    results = fit_together(signals, config, start_from=field)
    for result, signal in zip(results, signals, strict=True):
        expected = fit_signal(signal, config, start_from=field)
        assert result.field.network.size == field.network.size
        psnr = pytest.approx(expected.report.record.psnr_float, abs=0.01)
        assert result.report.record.psnr_float == psnr


def test_a_fit_s_seconds_are_its_share_of_the_stack_s() -> None:
    begin = time.perf_counter()
    results = fit_together(pictures(), settings(budget=Budget(steps=200)))
    taken = time.perf_counter() - begin
    shares = [result.report.seconds for result in results]
    assert 0.0 < sum(shares) <= taken
    assert max(shares) == pytest.approx(min(shares), rel=0.2)


def test_a_budget_of_time_is_that_of_each_fit() -> None:
    results = fit_together(pictures(3), settings(budget=Budget(max_time=0.2)))
    for result in results:
        assert result.report.ended_by == "time"
        assert result.report.seconds >= 0.2
    assert len({result.report.record.steps for result in results}) == 1


def test_a_network_keeps_no_other_s_weights(engine: str) -> None:
    for result in fit_together(pictures(3), settings(budget=Budget(steps=2), engine=engine)):
        values = result.field.network.values
        assert values.untyped_storage().nbytes() == values.numel() * 4


def test_a_stack_has_the_engine_of_a_stack_however_many_fits_are_left() -> None:
    config = settings(width=32)
    (one,) = plan_together(pictures(1), config)
    for plan in (one, *plan_together(pictures(3), config)):
        assert isinstance(plan, FitPlan)
        assert plan.is_stacked
        assert plan.engine is choose_engine(dataclasses.replace(plan.work, members=MOST_FITS))
    for plan in plan_together(pictures(3), settings(width=32, engine="torch")):
        assert isinstance(plan, FitPlan)
        assert plan.engine.name == "torch"


def test_what_is_large_is_not_stacked() -> None:
    def pays(signal: Signal, **others: Any) -> bool:
        return stacking_pays(make_plan(signal, settings(omega=(30.0,), **others)))

    assert pays(picture((64, 64)), width=16, batch=64)
    # A small signal makes small batches, whatever is asked for.
    assert pays(sound(20), width=256, batch=4096)
    assert not pays(picture((64, 64)), width=256, batch=4096)


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
    config = settings(width=None, batch=16, depth=1, blocks=1, budget=Budget(steps=2))
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


def test_a_fit_that_cannot_be_made_is_told_when_the_others_are_done(engine: str) -> None:
    # The Nyquist frequency of the long one is beyond what its weights can be stored in.
    signals = [sound(500), sound(60_000), sound(500)]
    config = settings(
        omega=parse_omega("nyquist"),
        blocks=1,
        dtype="float16",
        budget=Budget(steps=5),
        threads=2,
        engine=engine,
    )
    ended: dict[int, FitResult | SinefitError] = {}
    with pytest.raises(SettingError, match="`dtype` is float16") as failure:
        fit_together(signals, config, GroupHooks(on_end=ended.__setitem__))
    assert ended.pop(1) is failure.value
    for number, expected in zip((0, 2), alone(signals[::2], config), strict=True):
        result = ended.pop(number)
        assert not isinstance(result, SinefitError)
        psnr = pytest.approx(expected.report.record.psnr_float, abs=0.01)
        assert result.report.record.psnr_float == psnr
    assert ended == {}


@pytest.mark.parametrize("damage", ["another", "damaged"])
def test_a_checkpoint_that_is_of_no_use_ends_its_fit_alone(engine: str, damage: str) -> None:
    signals = pictures(3)
    config = settings(budget=Budget(steps=60), learning_rate=3e-4, threads=1, engine=engine)
    kept: list[Checkpoint] = []
    hooks = FitHooks(on_checkpoint=kept.append, checkpoint_every=0.0)
    fit_signal(signals[0 if damage == "another" else 1], config, hooks=hooks)
    checkpoint = kept[-1]
    if damage == "damaged":
        state = {**checkpoint.state, "best.weights": torch.zeros(3)}
        checkpoint = dataclasses.replace(checkpoint, state=state)
    ended: dict[int, FitResult | SinefitError] = {}
    words = {"another": "of another input than 1.png", "damaged": "1.png: damaged checkpoint"}
    with pytest.raises((SettingError, InputError), match=words[damage]) as failure:
        fit_together(
            signals,
            config,
            GroupHooks(on_end=ended.__setitem__),
            resume=[None, checkpoint, None],
        )
    assert ended.pop(1) is failure.value
    others = alone(signals[::2], config, engine="reference")
    for number, expected in zip((0, 2), others, strict=True):
        result = ended.pop(number)
        assert not isinstance(result, SinefitError)
        check_close(result, expected, 1e-4)
    assert ended == {}


@pytest.mark.parametrize("name", ["on_progress", "on_end", "on_checkpoint"])
def test_a_hook_that_fails_ends_the_group(engine: str, name: str) -> None:
    class HookError(Exception):
        pass

    def fail(*_: object) -> None:
        raise HookError

    # Only the end of the group can end a fit of so many steps, unless its end is what is awaited.
    steps = 60 if name == "on_end" else 10**7
    config = settings(budget=Budget(steps=steps), threads=2, engine=engine)
    failing: dict[str, Any] = {name: fail}
    hooks = dataclasses.replace(GroupHooks(checkpoint_every=0.0), **failing)
    with pytest.raises(HookError):
        fit_together(pictures(), config, hooks)
