from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from sinefit.view.soundtrack import playable_soundtrack
from tests.rendering.making import clip_spec

from .making import soundtrack_of


@pytest.mark.parametrize("channels", [1, 2])
def test_samples_are_those_of_the_clip(channels: int) -> None:
    waves = np.random.default_rng(0).integers(-9000, 9000, (5000, channels)).astype(np.int16)
    made = playable_soundtrack(clip_spec(soundtrack=soundtrack_of(waves, 8000)))
    assert made is not None
    assert made.startswith(b"fLaC")
    again, rate = soundfile.read(io.BytesIO(made), dtype="int16", always_2d=True)
    assert rate == 8000
    np.testing.assert_array_equal(again, waves)


def test_more_channels_become_two() -> None:
    waves = np.full((500, 6), 1000, dtype=np.int16)
    made = playable_soundtrack(clip_spec(soundtrack=soundtrack_of(waves, 8000)))
    assert made is not None
    assert soundfile.info(io.BytesIO(made)).channels == 2


def test_a_clip_may_be_silent() -> None:
    assert playable_soundtrack(clip_spec()) is None
    assert playable_soundtrack(clip_spec(soundtrack=b"no Matroska")) is None
