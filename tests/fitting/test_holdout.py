from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget
from sinefit.fitting.checkpoint import decode_checkpoint, encode_checkpoint
from sinefit.fitting.choice import SampleChoice, fewest_fitted
from sinefit.fitting.holdout import parse_holdout
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.report import FitStoppedError
from sinefit.fitting.samples import PartSamples
from sinefit.fitting.together import fit_together
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.signal import Signal

from .making import clip, decibels, globe, outputs_of, picture, settings, sound

if TYPE_CHECKING:
    from sinefit.fitting.config import FitConfig

CPU = torch.device("cpu")
SHAPES = st.lists(st.integers(1, 60), min_size=1, max_size=3).map(tuple)


def held_of(holdout: object, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return parse_holdout("holdout", holdout).held(shape, [range(size) for size in shape])


@pytest.mark.parametrize(
    ("value", "text"),
    [("5%", "5%"), (" 12.5 % ", "12.5%"), ("0.05", "5%"), (0.25, "25%"), ("GRID:4", "grid:4")],
)
def test_a_choice_has_one_text(value: object, text: str) -> None:
    found = parse_holdout("holdout", value)
    assert str(found) == text
    assert parse_holdout("holdout", text) == parse_holdout("holdout", found) == found


@pytest.mark.parametrize(
    "value", ["", "0%", "100%", "-5%", 0, 1, 1.5, "grid", "grid:1", "grid:0", "grid:x", "nan", "x%"]
)
def test_what_holds_nothing_or_everything_out_is_refused(value: object) -> None:
    with pytest.raises(SettingError, match=r"^`holdout` is .*: it must be "):
        parse_holdout("holdout", value)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.5, 0.9])
def test_a_share_is_held_out_everywhere(share: float) -> None:
    held = held_of(share, (200, 300))
    deviation = math.sqrt(share * (1 - share))
    assert abs(held.mean() - share) < 4 * deviation / math.sqrt(held.size)
    # Neither rows nor columns nor neighbours follow one another.
    for axis in (0, 1):
        lines = held.mean(axis=axis)
        assert lines.std() == pytest.approx(deviation / math.sqrt(held.shape[axis]), rel=0.25)
    pairs = (held[:, 1:] & held[:, :-1]).mean()
    assert pairs == pytest.approx(share**2, abs=4 * deviation / math.sqrt(held.size))


@given(SHAPES, st.integers(2, 9))
def test_a_grid_holds_out_all_between_its_samples(shape: tuple[int, ...], step: int) -> None:
    fitted = ~held_of(f"grid:{step}", shape)
    for axis, size in enumerate(shape):
        (places,) = np.nonzero(fitted.any(axis=tuple({*range(len(shape))} - {axis})))
        assert len(places) == math.ceil(size / step)
        assert (np.diff(places) == step).all()
        assert 0 <= (size - 1 - places[-1]) - places[0] <= 1
    assert fitted.sum() == math.prod(math.ceil(size / step) for size in shape)


@given(SHAPES, st.sampled_from(["20%", "grid:2", "grid:3"]), st.data())
def test_a_sample_is_held_out_whichever_part_it_is_seen_in(
    shape: tuple[int, ...], text: str, data: st.DataObject
) -> None:
    holdout = parse_holdout("holdout", text)
    axes = []
    for size in shape:
        first = data.draw(st.integers(0, size - 1))
        axes.append(
            range(first, data.draw(st.integers(first + 1, size)), data.draw(st.integers(1, 5)))
        )
    part = held_of(text, shape)[tuple(slice(a.start, a.stop, a.step) for a in axes)]
    np.testing.assert_array_equal(holdout.held(shape, axes), part)


@pytest.mark.parametrize("text", ["20%", "grid:2"])
@pytest.mark.parametrize("signal", [picture((30, 20), 3), globe((12, 16)), clip(), sound()])
@pytest.mark.parametrize("counts", [1, 2])
def test_training_has_the_other_samples_and_no_more(signal: Signal, text: str, counts: int) -> None:
    spec = signal.spec
    holdout = parse_holdout("holdout", text)
    blocks = BlockGrid.over(spec, (counts,) * spec.axes, (counts - 1,) * spec.axes)
    every, parts = (
        PartSamples(signal, blocks, CPU),
        PartSamples(signal, blocks, CPU, holdout=holdout),
    )
    held = held_of(text, spec.shape)
    for number in range(blocks.count):
        reaches = blocks.reaches(number)
        index = np.ix_(
            *(np.arange(*reach) % size for reach, size in zip(reaches, spec.shape, strict=True))
        )
        fitted = torch.from_numpy(~held[index].ravel())
        expected = every.table(number)[fitted]
        assert torch.equal(parts.table(number), expected)
        assert parts.count_in(number) == parts.of(number).count == len(expected) < len(fitted)
        indices = torch.randperm(len(expected), generator=torch.Generator().manual_seed(0))
        assert torch.equal(torch.cat(parts.of(number).batch(indices), dim=1), expected[indices])
        if counts > 1:
            assert torch.equal(parts.rows_at(number, indices), expected[indices])
    choice = SampleChoice.of(signal, holdout)
    fewest = min(choice.count_in(blocks, number) for number in range(blocks.count))
    assert fewest_fitted(holdout, blocks) == fewest


def spoilt(signal: Signal, text: str) -> Signal:
    """The signal with other values wherever the fit must not look."""
    held = held_of(text, signal.spec.shape)
    samples = signal.samples.copy()
    samples[held] = samples[held][::-1] // 2
    return Signal(signal.spec, samples)


@pytest.mark.parametrize("text", ["20%", "grid:2"])
@pytest.mark.parametrize(
    "others",
    [
        {},
        {"blocks": 2, "batch": 32},
        {"blocks": 2, "batch": 32, "engine": "torch"},
        {"batch": 10**6},
        {"budget": Budget(steps=400, target_psnr=14.0)},
        {"footprint": "box", "batch": 64},
        {"recipe": "paper", "batch": None},
    ],
    ids=[
        "one network",
        "blocks",
        "blocks by torch",
        "whole batches",
        "until a quality",
        "means over areas",
        "as papers do",
    ],
)
def test_held_out_samples_change_nothing_but_their_own_score(
    text: str, others: dict[str, Any]
) -> None:
    """With any other values there, weights, steps and the score of the rest are the same."""
    signal = picture((40, 30), 3)
    config = settings(holdout=text, omega=20.0, **others)
    one, two = (fit_signal(each, config) for each in (signal, spoilt(signal, text)))
    assert torch.equal(one.field.network.values, two.field.network.values)
    first, second = one.report.record, two.report.record
    for name in ("steps", "psnr", "psnr_float"):
        assert getattr(first, name) == getattr(second, name)
    assert first.psnr_holdout != second.psnr_holdout
    assert first.psnr_gradient != second.psnr_gradient
    # What is fitted does change them: the test would notice.
    samples = signal.samples.copy()
    samples[~held_of(text, signal.spec.shape)] //= 2
    other = fit_signal(Signal(signal.spec, samples), config)
    assert not torch.equal(one.field.network.values, other.field.network.values)


@pytest.mark.parametrize("text", ["10%", "grid:2"])
def test_the_scores_are_those_of_fitted_and_of_held_out_samples(text: str) -> None:
    signal = picture((40, 30), 3)
    result = fit_signal(signal, settings(holdout=text))
    values = np.clip(np.rint((outputs_of(result.field.network, signal.spec) + 1) / 2 * 255), 0, 255)
    error = values - signal.samples.astype(np.float64)
    held, record = held_of(text, (40, 30)), result.report.record
    assert record.psnr == pytest.approx(decibels(error[~held], 255), abs=0.02)
    assert record.psnr_holdout == pytest.approx(decibels(error[held], 255), abs=0.02)
    assert record.holdout == text
    assert record.psnr_samples == 1200
    assert (record.psnr_holdout or 0.0) < (record.psnr or 0.0)


def test_without_a_choice_there_is_no_score_of_it() -> None:
    record = fit_signal(picture(), settings()).report.record
    assert (record.holdout, record.psnr_holdout, record.psnr_gradient) == (None, None, None)


@pytest.mark.parametrize("others", [{}, {"blocks": 2, "batch": 32}])
def test_a_fit_with_held_out_samples_goes_on_to_the_same_weights(others: dict[str, Any]) -> None:
    signal = picture((40, 30))
    config = settings(holdout="10%", budget=Budget(steps=120), **others)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 1

    with pytest.raises(FitStoppedError) as stopped:
        fit_signal(signal, config, hooks=FitHooks(should_stop=stop))
    kept = decode_checkpoint(encode_checkpoint(stopped.value.checkpoint), "kept")
    assert kept.config.holdout == config.holdout
    whole, resumed = fit_signal(signal, config), fit_signal(signal, config, resume=kept)
    assert torch.equal(resumed.field.network.values, whole.field.network.values)
    assert resumed.report.record == whole.report.record
    other = dataclasses.replace(config, holdout=parse_holdout("holdout", "grid:2"))
    with pytest.raises(SettingError, match=r"made with `holdout` 10%, not grid:2"):
        fit_signal(signal, other, resume=kept)


def test_fits_together_hold_out_the_same_as_alone() -> None:
    signals = [picture((24, 20), seed=seed) for seed in range(2)]
    config = settings(holdout="grid:2", batch=64, budget=Budget(steps=30), threads=1)
    for result, signal in zip(fit_together(signals, config), signals, strict=True):
        alone = fit_signal(signal, config).report.record
        assert result.report.record.psnr == pytest.approx(alone.psnr, abs=0.2)
        assert result.report.record.psnr_holdout == pytest.approx(alone.psnr_holdout, abs=0.2)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (settings(holdout="99.9%"), "leaves the signal no sample to fit; hold out fewer$"),
        (settings(holdout="90%", blocks=(6, 6)), "leaves a block no .*, or take larger blocks$"),
        (settings(holdout="0.01%"), "holds out none of the 36 samples"),
    ],
)
def test_a_choice_that_leaves_nothing_is_refused(config: FitConfig, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        fit_signal(picture((6, 6)), config)
