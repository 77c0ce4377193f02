"""Scores of fields between samples, beside those of usual methods."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from sinefit.fitting.budget import Budget
from sinefit.fitting.loop import fit_signal
from sinefit.signals.signal import Signal, SignalSpec
from sinefit.upscaling.scores import score_upscaling
from tests.fitting.making import settings

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.upscaling.scores import MethodScore


def fit_roughly(signal: Signal) -> Field:
    return fit_signal(signal, settings(budget=Budget(steps=5))).field


def by_method(scores: list[MethodScore]) -> dict[str, MethodScore]:
    return {score.method: score for score in scores}


def decibels(first: np.ndarray, second: np.ndarray, value_range: float) -> float:
    error = np.square(first.astype(np.float64) - second.astype(np.float64)).mean()
    return 10 * math.log10(value_range**2 / error)


def test_a_picture_is_scored_as_by_hand() -> None:
    y, x = np.mgrid[:48, :64]
    grey = 128 + 80 * np.sin(x / 5.0) * np.cos(y / 7.0)
    samples = np.rint(grey)[..., None].astype(np.uint8)
    signal = Signal(SignalSpec("image", (48, 64), 1, "uint8", 0.0, 255.0, "png", 8), samples)
    found: list[Field] = []

    def fit(fewer: Signal) -> Field:
        found.append(fit_roughly(fewer))
        return found[0]

    scores = by_method(score_upscaling(signal, 4, fit))
    assert list(scores) == ["nearest", "bicubic", "lanczos", "field"]
    cells = samples.reshape(12, 4, 16, 4).mean(axis=(1, 3))
    small = Image.fromarray(np.rint(cells).astype(np.uint8))
    by_pillow = np.asarray(small.resize((64, 48), Image.Resampling.LANCZOS))[..., None]
    # Pillow rounds between its two passes over 8-bit pictures.
    assert scores["lanczos"].psnr == pytest.approx(decibels(by_pillow, samples, 255), abs=0.1)
    rendered = found[0].render(scale=4).samples
    assert scores["field"].psnr == pytest.approx(decibels(rendered, samples, 255), abs=1e-6)
    similar = [score.ssim for score in scores.values()]
    assert all(value is not None and 0 < value < 1 for value in similar)
    assert scores["lanczos"].psnr > scores["nearest"].psnr


def test_a_clip_is_scored_on_the_frames_left_out() -> None:
    frames = np.linspace(16, 208, 17)[:, None, None, None] * np.ones((1, 8, 9, 1))
    frames[3] = 0  # left out: no method can know of it
    spec = SignalSpec("video", (17, 8, 9), 1, "uint8", 0.0, 255.0, "mp4", 8, Fraction(25))
    signal = Signal(spec, np.rint(frames).astype(np.uint8))
    scores = by_method(score_upscaling(signal, 2, fit_roughly))
    assert list(scores) == ["nearest", "blend", "field"]
    missing = frames[1::2].copy()
    blend = (frames[:-1:2] + frames[2::2]) / 2
    expected = decibels(np.rint(blend), np.rint(missing), 255)
    assert scores["blend"].psnr == pytest.approx(expected, abs=0.01)


def test_a_sound_is_scored_inside_the_band_and_above() -> None:
    time = np.arange(4000)
    low, high = np.sin(0.2 * time), 0.3 * np.sin(2.5 * time)
    samples = (0.5 * (low + high))[:, None].astype(np.float32)
    spec = SignalSpec(
        "audio", (4000,), 1, "float32", -1.0, 1.0, "wav", 16, Fraction(8000), "PCM_16"
    )
    scores = by_method(score_upscaling(Signal(spec, samples), 4, fit_roughly))
    assert list(scores) == ["linear", "sinc", "field"]
    sinc, linear = scores["sinc"], scores["linear"]
    assert sinc.above is not None
    assert linear.above is not None
    # A low sine and nothing else: a sinc gives it back, straight lines have kinks.
    assert sinc.psnr > 50
    assert sinc.above > linear.above + 20
