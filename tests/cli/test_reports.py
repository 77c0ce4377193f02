from __future__ import annotations

from fractions import Fraction

import pytest

from sinefit.cli.reports import describe_signal, quality_words, range_name
from sinefit.fields.record import FitRecord
from sinefit.signals.signal import SignalSpec

IMAGE = SignalSpec("image", (12, 16), 3, "uint8", 0.0, 255.0, "png", 8)
SOUND = SignalSpec("audio", (800,), 1, "float32", -0.25, 0.25, "wav", 16, Fraction(8000))
VIDEO = SignalSpec("video", (9, 12, 16), 3, "uint8", 0.0, 255.0, "mp4", 8, Fraction(30000, 1001))
ARRAY = SignalSpec("array", (3, 4, 5), 2, "float64", -1.0, 4.0, "npy", 64)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (IMAGE, "image, 16x12 pixels, 3 channels, 8 bit"),
        (SOUND, "audio, 800 samples at 8000 Hz, 1 channel, 16 bit"),
        (VIDEO, "video, 9 frames of 16x12 at 29.97 fps, 3 channels, 8 bit"),
        (ARRAY, "array, 3x4x5 samples, 2 channels, 64 bit"),
    ],
)
def test_a_signal_in_a_line(spec: SignalSpec, words: str) -> None:
    assert describe_signal(spec) == words


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (IMAGE, "range: full scale, 255"),
        (SOUND, "range: twice the peak, 0.5"),
        (VIDEO, "range: full scale, 255"),
        (ARRAY, "range: that of the values, 5"),
    ],
)
def test_what_the_psnr_refers_to(spec: SignalSpec, words: str) -> None:
    assert range_name(spec) == words


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
