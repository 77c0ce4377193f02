from __future__ import annotations

from fractions import Fraction

import pytest

from sinefit.cli.reports import describe_signal, range_name
from sinefit.signals.signal import SignalSpec

IMAGE = SignalSpec("image", (12, 16), 3, "uint8", 0.0, 255.0, "png", 8)
SOUND = SignalSpec("audio", (800,), 1, "float32", -0.25, 0.25, "wav", 16, Fraction(8000))
HEIGHTS = SignalSpec("image", (12, 16), 1, "float32", -50.0, 100.0, "tiff", 32)
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
        (HEIGHTS, "range: that of the values, 150"),
    ],
)
def test_what_the_psnr_refers_to(spec: SignalSpec, words: str) -> None:
    assert range_name(spec) == words
