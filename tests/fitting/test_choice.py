from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sinefit.errors import SettingError
from sinefit.fitting.budget import Budget
from sinefit.fitting.checkpoint import decode_checkpoint, encode_checkpoint
from sinefit.fitting.choice import FAR, SampleChoice
from sinefit.fitting.holdout import parse_holdout
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.report import FitStoppedError
from sinefit.fitting.samples import PartSamples
from sinefit.signals.blocks import BlockGrid
from sinefit.signals.masks import by_mask
from sinefit.signals.signal import Signal

from .making import clip, decibels, globe, outputs_of, picture, settings, sound

if TYPE_CHECKING:
    from sinefit.fitting.config import FitConfig

CPU = torch.device("cpu")


def masked(signal: Signal, share: float = 0.6, seed: int = 0) -> Signal:
    return by_mask(signal, np.random.default_rng(seed).random(signal.spec.shape) < share)


@pytest.mark.parametrize("holdout", [None, "20%", "grid:2"])
@pytest.mark.parametrize("signal", [picture((30, 20), 3), globe((12, 16)), clip(), sound()])
def test_every_sample_is_fitted_held_out_or_unknown(signal: Signal, holdout: str | None) -> None:
    signal = masked(signal)
    held_out = None if holdout is None else parse_holdout("holdout", holdout)
    choice = SampleChoice.of(signal, held_out)
    axes = [range(size) for size in signal.spec.shape]
    fitted, held = choice.roles(axes)
    np.testing.assert_array_equal(fitted | held, signal.known)
    assert not (fitted & held).any()
    if held_out is not None:
        np.testing.assert_array_equal(
            held, held_out.held(signal.spec.shape, axes) & np.asarray(signal.known)
        )


@pytest.mark.parametrize("signal", [picture((30, 20), 3), globe((12, 16)), clip(), sound()])
@pytest.mark.parametrize("counts", [1, 2])
def test_training_has_the_known_samples_and_no_more(signal: Signal, counts: int) -> None:
    signal = masked(signal)
    spec, known = signal.spec, np.asarray(signal.known)
    blocks = BlockGrid.over(spec, (counts,) * spec.axes, (counts - 1,) * spec.axes)
    parts = PartSamples(signal, blocks, CPU)
    every = PartSamples(Signal(spec, signal.samples), blocks, CPU)
    for number in range(blocks.count):
        index = np.ix_(
            *(
                np.arange(*reach) % size
                for reach, size in zip(blocks.reaches(number), spec.shape, strict=True)
            )
        )
        expected = every.table(number)[torch.from_numpy(known[index].ravel())]
        assert torch.equal(parts.table(number), expected)
        part = blocks.part(signal, number)
        np.testing.assert_array_equal(part.known, known[index])


def spoilt(signal: Signal) -> Signal:
    """The signal with another guess for its unknown samples."""
    samples = signal.samples.copy()
    unknown = ~np.asarray(signal.known)
    samples[unknown] = 255 - samples[unknown]
    return dataclasses.replace(signal, samples=samples)


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"blocks": 2, "batch": 32},
        {"blocks": 2, "batch": 300, "engine": "torch"},
        {"batch": 10**6},
        {"blocks": 2, "holdout": "10%"},
    ],
    ids=["one network", "blocks", "more than a block has", "whole batches", "with a holdout"],
)
def test_unknown_samples_change_nothing(others: dict[str, Any]) -> None:
    signal = masked(picture((40, 30), 3))
    config = settings(omega=20.0, **others)
    one, two = (fit_signal(each, config) for each in (signal, spoilt(signal)))
    assert torch.equal(one.field.network.values, two.field.network.values)
    assert one.report.record == two.report.record
    whole = fit_signal(Signal(signal.spec, signal.samples), config)
    assert not torch.equal(one.field.network.values, whole.field.network.values)


def test_the_score_is_that_of_the_known_samples() -> None:
    signal = masked(picture((40, 30), 3))
    result = fit_signal(signal, settings())
    values = np.clip(np.rint((outputs_of(result.field.network, signal.spec) + 1) / 2 * 255), 0, 255)
    error = values - signal.samples.astype(np.float64)
    assert result.report.record.psnr == pytest.approx(decibels(error[signal.known], 255), abs=0.02)


def test_a_block_of_which_nothing_is_known_is_fitted_to_the_guess() -> None:
    signal = picture((40, 40))
    keep = np.ones((40, 40), bool)
    keep[:, :22] = False
    signal = by_mask(signal, keep)
    told: list[str] = []
    config = settings(blocks=2, margin=1, batch=64, budget=Budget(steps=200))
    result = fit_signal(signal, config, hooks=FitHooks(on_notice=told.append))
    assert any(sentence.startswith("2 of 4 blocks lie in what is left out") for sentence in told)
    error = result.field.render().samples.astype(np.float64) - signal.samples.astype(np.float64)
    assert decibels(error[:, :20], 255) > decibels(error[:, 20:], 255) - 6  # as well as others


def test_a_fit_of_a_masked_signal_goes_on_to_the_same_weights_and_with_no_other_mask() -> None:
    signal = masked(picture((40, 30)))
    config = settings(budget=Budget(steps=120), blocks=2, batch=32)
    kept = stopped(signal, config)
    whole, resumed = fit_signal(signal, config), fit_signal(signal, config, resume=kept)
    assert torch.equal(resumed.field.network.values, whole.field.network.values)
    other = by_mask(Signal(signal.spec, signal.samples), ~np.asarray(signal.known))
    with pytest.raises(SettingError, match="of another input"):
        fit_signal(dataclasses.replace(other, samples=signal.samples), config, resume=kept)


def stopped(signal: Signal, config: FitConfig, looks: int = 1) -> Any:
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > looks

    with pytest.raises(FitStoppedError) as error:
        fit_signal(signal, config, hooks=FitHooks(should_stop=stop))
    return decode_checkpoint(encode_checkpoint(error.value.checkpoint), "kept")


def test_a_pace_is_tried_on_what_is_known() -> None:
    signal = masked(picture((64, 64)), 0.3)
    config = settings(blocks=4, batch=200, width=None, budget=Budget(max_time=0.3))
    assert fit_signal(signal, config).report.record.steps > 0


def test_the_middle_of_a_hole_is_fitted_to_the_guess_and_its_edge_is_not() -> None:
    signal = picture((40, 30))
    known = np.ones((40, 30), bool)
    known[5:30, 6:25] = False
    known[0, 0] = False
    signal = by_mask(signal, known)
    blocks = BlockGrid.single(signal.spec)
    fitted = SampleChoice.of(signal).fitted_in(blocks, 0)
    assert fitted is not None
    chosen = np.zeros(known.size, bool)
    chosen[fitted] = True
    expected = known.copy()
    expected[5 + FAR : 30 - FAR, 6 + FAR : 25 - FAR] = True
    assert np.array_equal(chosen.reshape(known.shape), expected)


@given(st.data())
def test_what_is_fitted_of_a_block_is_known_or_far_from_it(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(4, 10), st.integers(1, 10)))
    count = shape[0] * shape[1]
    known = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    known = known.reshape(shape)
    known[0, 0] = True
    blocks = BlockGrid.over(picture(shape).spec, (2, 1), (1, 0))
    choice = SampleChoice(shape, known, None)
    (top, bottom), _ = blocks.reaches(1)
    part = known[top:bottom]
    fitted = choice.fitted_in(blocks, 1)
    assert fitted is not None
    ours = np.argwhere(part)
    for number, place in enumerate(np.ndindex(*part.shape)):
        is_far = len(ours) == 0 or np.abs(ours - place).max(axis=1).min() > FAR
        assert (number in fitted) == (part[place] or is_far)
