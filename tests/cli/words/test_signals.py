from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sinefit.cli.words.signals import describe_signal, range_name
from tests.cli.specs import ARRAY, HEIGHTS, IMAGE, SOUND, VIDEO

if TYPE_CHECKING:
    from sinefit.signals.signal import SignalSpec


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
