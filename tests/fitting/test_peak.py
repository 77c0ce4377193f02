from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sinefit.fitting.budget import Budget
from sinefit.fitting.checkpoint import decode_checkpoint, encode_checkpoint
from sinefit.fitting.hooks import FitHooks
from sinefit.fitting.loop import fit_signal
from sinefit.fitting.report import FitStoppedError
from sinefit.signals.array.reading import array_signal
from sinefit.signals.signal import Signal
from sinefit.theory.spectra import axis_centroids

from .making import decibels, picture, settings

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.report import FitResult


def noisy(signal: Signal, deviation: float = 40.0) -> Signal:
    noise = np.random.default_rng(1).normal(0.0, deviation, signal.samples.shape)
    values = np.clip(np.rint(signal.samples.astype(np.float64) + noise), 0, 255).astype(np.uint8)
    return Signal(signal.spec, values)


CLEAN = picture((48, 48), 3)
NOISY = noisy(CLEAN)


def of_noise(**others: Any) -> Any:
    others = {"width": 48, "omega": 30.0, "batch": 512, "budget": Budget(steps=1500), **others}
    return settings(**others)


@pytest.fixture(scope="module")
def ended() -> FitResult:
    return fit_signal(NOISY, of_noise(stop_on="holdout"))


def clean_psnr(result: FitResult) -> float:
    error = result.field.render().samples.astype(np.float64) - CLEAN.samples.astype(np.float64)
    return decibels(error, 255)


def test_it_ends_where_held_out_samples_are_met_best(ended: FitResult) -> None:
    report = ended.report
    assert report.ended_by == "holdout"
    assert report.record.holdout == "5%"
    assert report.peak_step is not None
    assert report.peak_step < report.record.steps < 1500
    whole = fit_signal(NOISY, of_noise(holdout="5%"))
    assert (report.record.psnr_holdout or 0.0) > (whole.report.record.psnr_holdout or 0.0) + 0.5
    assert clean_psnr(ended) > clean_psnr(whole) + 1.0


def test_weights_are_those_of_the_peak(ended: FitResult) -> None:
    """A fit that is told to end there ends elsewhere on the schedule: the steps are looked at."""
    seen: dict[int, torch.Tensor] = {}

    def keep(field: Any) -> None:
        seen[field.record.steps] = field.network.values.clone()

    hooks = FitHooks(on_field=keep, field_every=0.0)
    again = fit_signal(NOISY, of_noise(stop_on="holdout"), hooks=hooks)
    assert torch.equal(again.field.network.values, ended.field.network.values)
    assert torch.equal(seen[ended.report.peak_step or 0], ended.field.network.values)


def test_a_stopped_fit_goes_on_to_the_same_peak(ended: FitResult) -> None:
    peak, last = ended.report.peak_step or 0, ended.report.record.steps
    for steps in (peak // 2, (peak + last) // 2):
        kept = stopped_at(steps)
        resumed = fit_signal(NOISY, of_noise(stop_on="holdout"), resume=kept)
        assert torch.equal(resumed.field.network.values, ended.field.network.values)
        assert resumed.report.peak_step == ended.report.peak_step


def stopped_at(steps: int) -> Checkpoint:
    """The checkpoint of a fit that is stopped once it has taken so many steps."""
    taken = 0

    def look(field: Field) -> None:
        nonlocal taken
        taken = field.record.steps

    hooks = FitHooks(on_field=look, field_every=0.0, should_stop=lambda: taken >= steps)
    with pytest.raises(FitStoppedError) as error:
        fit_signal(NOISY, of_noise(stop_on="holdout"), hooks=hooks)
    assert steps <= taken < of_noise().budget.steps
    return decode_checkpoint(encode_checkpoint(error.value.checkpoint), "kept")


def test_a_fit_without_noise_has_its_budget() -> None:
    result = fit_signal(CLEAN, of_noise(stop_on="holdout", budget=Budget(steps=100)))
    assert result.report.ended_by == "steps"
    assert result.report.peak_step == 100


def test_white_noise_does_not_raise_the_centroid_of_a_noisy_signal() -> None:
    frequency = 0.0625  # in cycles per sample, whole waves over the axis
    waves = np.sin(2.0 * np.pi * frequency * np.arange(64))[:, None] * np.ones((1, 64))
    noise = np.random.default_rng(0).normal(0.0, 0.3, waves.shape)
    clean, with_noise = (array_signal(values) for values in (waves, waves + noise))
    expected = axis_centroids(clean)[0]
    assert expected == pytest.approx(frequency, rel=0.1)
    assert axis_centroids(with_noise)[0] > 1.5 * expected
    assert axis_centroids(with_noise, noisy=True)[0] == pytest.approx(expected, rel=0.15)
