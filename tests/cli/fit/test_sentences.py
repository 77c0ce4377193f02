from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from sinefit.cli.fit.sentences import forecast_words, quality_words, verdict
from sinefit.fields.record import FitRecord
from sinefit.fitting.forecast import Forecast
from sinefit.fitting.report import FitReport
from tests.cli.specs import ARRAY, IMAGE, SOUND, VIDEO

if TYPE_CHECKING:
    from sinefit.fitting.ending import EndedBy
    from sinefit.fitting.forecast import QualityClass
    from sinefit.signals.signal import SignalSpec


@pytest.mark.parametrize(
    ("psnr", "snr", "samples", "words"),
    [
        (31.234, None, 192, "31.23 dB PSNR as saved, 31.23 dB in float (range: full scale, 255)"),
        (
            31.234,
            7.77,
            100,
            (
                "about 31.2 dB PSNR as saved, 7.8 dB SNR, 31.2 dB in float "
                "(range: full scale, 255), estimated from 100 of 192 samples"
            ),
        ),
        (None, None, 0, "not measured"),
    ],
)
def test_how_good_a_fit_is(psnr: float | None, snr: float | None, samples: int, words: str) -> None:
    record = FitRecord("siren", (1.0,), 0, 1, 1, (0.1,), psnr, psnr, 255.0, snr, samples)
    assert quality_words(record, IMAGE) == words


def test_how_good_a_fit_is_where_it_did_not_look() -> None:
    record = FitRecord(
        "siren", (1.0,), 0, 1, 1, (0.1,), 31.0, 31.0, 255.0, None, 192, "5%", 27.123, 30.456
    )
    told = quality_words(record, IMAGE)
    assert told.endswith("; 27.12 dB on the samples held out (5%), 30.46 dB of the gradient there")


@pytest.mark.parametrize(
    ("spec", "quality", "words"),
    [
        (IMAGE, "rough", "about 1 min 30 s, 5.0 s of it measuring; expect a rough sketch, below "),
        (SOUND, "fair", "measuring; expect a fair likeness, 10 to 25 dB SNR"),
        (VIDEO, "close", "measuring; expect a close likeness, above 35 dB"),
        (ARRAY, None, "about 1 min 30 s, 5.0 s of it measuring"),
    ],
)
def test_what_is_foretold(spec: SignalSpec, quality: QualityClass | None, words: str) -> None:
    told = forecast_words(Forecast(85.0, 5.0, quality), spec)
    assert words in told
    assert ("expect" in told) == (quality is not None)


@pytest.mark.parametrize(
    ("spec", "psnr", "snr", "ended_by", "words"),
    [
        (IMAGE, 16.6, None, "time", ("a rough sketch", "--max-time", "--width", "--downsample 2")),
        (IMAGE, 24.9, None, "steps", ("a rough sketch", "more --steps")),
        (VIDEO, 19.6, None, "time", ("a rough sketch", "--duration")),
        (SOUND, 40.0, -0.01, "time", ("next to silence", "--max-time", "a shorter --duration")),
        (SOUND, 40.0, 9.0, "steps", ("a rough sketch", "--steps")),
        (ARRAY, 3.0, None, "steps", ("a rough sketch", "--steps")),
    ],
)
def test_a_poor_fit_is_told_what_would_make_it_better(
    spec: SignalSpec, psnr: float, snr: float | None, ended_by: EndedBy, words: tuple[str, ...]
) -> None:
    large = spec.with_shape(tuple(200 * size for size in spec.shape))
    told = verdict(ended(psnr, snr, ended_by), large)
    assert told is not None
    for word in words:
        assert word in told


@pytest.mark.parametrize("spec", [IMAGE, VIDEO, SOUND])
def test_less_of_a_tiny_signal_is_no_advice(spec: SignalSpec) -> None:
    told = verdict(ended(3.0, 1.0 if spec.kind == "audio" else None, "steps"), spec)
    assert told is not None
    assert "less of it" not in told


@pytest.mark.parametrize(
    ("spec", "psnr", "snr", "ended_by"),
    [
        (IMAGE, 25.0, None, "time"),
        (IMAGE, math.inf, None, "steps"),
        (SOUND, 20.0, 10.0, "steps"),
        # As good as was asked for, or told in other words already.
        (IMAGE, 20.0, None, "quality"),
        (IMAGE, 20.0, None, "plateau"),
        (IMAGE, 5.0, None, "divergence"),
        (IMAGE, None, None, "steps"),
    ],
)
def test_nothing_is_said_of_other_fits(
    spec: SignalSpec, psnr: float | None, snr: float | None, ended_by: EndedBy
) -> None:
    assert verdict(ended(psnr, snr, ended_by), spec) is None


def ended(psnr: float | None, snr: float | None, ended_by: EndedBy) -> FitReport:
    record = FitRecord("siren", (1.0,), 0, 1, 1, (0.1,), psnr, psnr, 255.0, snr, 192)
    return FitReport(record, 3.0, 1e5, "cpu", ended_by, "float32")
