from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from sinefit.errors import SettingError
from sinefit.signals.signal import Signal
from sinefit.view.original import MOST_PIXELS, original_of
from tests.rendering.making import array_spec, image_spec, sound_spec


def picture(shape: tuple[int, int], channels: int = 3, dtype: str = "uint8") -> Signal:
    generator = np.random.default_rng(0)
    spec = replace(image_spec(shape, channels), dtype=dtype, high=float(np.iinfo(dtype).max))
    high = np.iinfo(dtype).max
    return Signal(spec, generator.integers(0, high, (*shape, channels), dtype, endpoint=True))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pixels_are_kept(channels: int) -> None:
    signal = picture((7, 9), channels)
    with Image.open(io.BytesIO(original_of(signal, signal.spec).png)) as image:
        np.testing.assert_array_equal(np.array(image).reshape(7, 9, channels), signal.samples)


def test_sixteen_bits_become_eight() -> None:
    signal = picture((7, 9), dtype="uint16")
    with Image.open(io.BytesIO(original_of(signal, signal.spec).png)) as image:
        shown = np.array(image).astype(float)
    assert np.abs(shown - signal.samples.astype(float) / 257).max() <= 0.5


def test_a_large_one_is_reduced_by_means() -> None:
    signal = picture((1450, 1450), channels=1)
    found = original_of(signal, signal.spec)
    assert found.factor == 2
    with Image.open(io.BytesIO(found.png)) as image:
        shown = np.array(image).astype(float)
    assert shown.size <= MOST_PIXELS
    means = signal.samples[..., 0].reshape(725, 2, 725, 2).mean(axis=(1, 3))
    assert np.abs(shown - means).max() <= 1


def test_a_reduced_fit_takes_the_full_original() -> None:
    assert original_of(picture((101, 151)), image_spec((50, 75), 3)).factor == 1


@pytest.mark.parametrize(
    ("signal", "spec", "message"),
    [
        (picture((8, 8)), image_spec((8, 8), 1), "3 channels"),
        (picture((8, 8)), image_spec((8, 16), 3), "8x8 samples, the field 16x8"),
        (picture((8, 8)), sound_spec(), "this is a sound"),
        (picture((8, 8), 1), array_spec((8, 8)), "the field an array"),
    ],
)
def test_another_signal_is_refused(signal: Signal, spec: object, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        original_of(signal, spec)  # type: ignore[arg-type]
