from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from sinefit.fields.field import Field
from sinefit.fields.record import FitRecord
from sinefit.initializers.draws import sine_network
from sinefit.networks.size import NetworkSize
from sinefit.picturing import WAVE_COLOUR, small_picture
from sinefit.signals.signal import SignalSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

RECORD = FitRecord("siren", (1.0,), 0, 1, 1, (0.1,), 10.0, 10.0, 255.0, None)


def spec_of(kind: Any, shape: tuple[int, ...], channels: int = 1, **more: Any) -> SignalSpec:
    dtype = "float32" if kind in ("audio", "array") else "uint8"
    low = -2.0 if kind in ("audio", "array") else 0.0
    high = 2.0 if kind in ("audio", "array") else 255.0
    return SignalSpec(kind, shape, channels, dtype, low, high, "x", 8, **more)


def linear(spec: SignalSpec, slopes: Sequence[Sequence[float]], offsets: Sequence[float]) -> Field:
    """Return a field whose value in a channel is an offset and slopes times the coordinates.

    The sine of a hundredth is a hundredth to two parts in a hundred thousand.
    """
    axes = spec.coordinate_features
    first = torch.eye(axes) * 0.01
    last = torch.tensor(slopes, dtype=torch.float32).reshape(spec.channels, axes) * 100.0
    biases = [torch.zeros(axes), torch.tensor(offsets, dtype=torch.float32)]
    size = NetworkSize(axes, axes, 1, spec.channels)
    return Field(sine_network(size, [first, last], biases), spec, RECORD)


def centres(count: int) -> np.ndarray[Any, Any]:
    return -1.0 + (2.0 * np.arange(count) + 1.0) / count


def test_a_picture_keeps_its_shape_and_its_values() -> None:
    # Red rises to the right, green to the bottom, blue is 0.5.
    field = linear(spec_of("image", (40, 80), 3), [[0, 1], [1, 0], [0, 0]], [0, 0, 0])
    picture = small_picture(field, 20, 1000)
    assert picture.shape == (10, 20, 3)
    assert picture.dtype == np.uint8
    red, green = 255 * (centres(20) + 1) / 2, 255 * (centres(10) + 1) / 2
    np.testing.assert_allclose(picture[..., 0], np.broadcast_to(red, (10, 20)), atol=1)
    np.testing.assert_allclose(picture[..., 1], np.broadcast_to(green[:, None], (10, 20)), atol=1)
    assert np.all(np.abs(picture[..., 2].astype(int) - 128) <= 1)


@pytest.mark.parametrize(
    ("shape", "room", "expected"),
    [
        ((8, 6), (64, 64), (8, 6)),  # never larger than the signal
        ((100, 50), (64, 20), (20, 10)),
        ((1, 1000), (64, 64), (1, 64)),
        ((1000, 1), (64, 64), (64, 1)),
        ((500, 500), (1, 1), (1, 1)),
    ],
)
def test_the_room_is_kept(
    shape: tuple[int, int], room: tuple[int, int], expected: tuple[int, int]
) -> None:
    field = linear(spec_of("image", shape), [[0, 1]], [0])
    assert small_picture(field, *room).shape == (*expected, 3)


def test_values_beyond_the_range_are_held_at_its_ends() -> None:
    field = linear(spec_of("array", (6, 8)), [[0, 40]], [0])
    picture = small_picture(field, 64, 64)
    assert np.all(picture[:, :4] == 0)
    assert np.all(picture[:, 4:] == 255)


def test_alpha_lets_white_through() -> None:
    opaque = linear(spec_of("image", (4, 4), 2, alpha=True), [[0, 0]] * 2, [-1, 1])
    clear = linear(spec_of("image", (4, 4), 4, alpha=True), [[0, 0]] * 4, [-1, 0, 1, -1])
    half = linear(spec_of("image", (4, 4), 4, alpha=True), [[0, 0]] * 4, [-1, -1, 1, 0])
    assert np.all(small_picture(opaque, 64, 64) == 0)
    assert np.all(small_picture(clear, 64, 64) == 255)
    np.testing.assert_allclose(small_picture(half, 64, 64)[0, 0], [128, 128, 255], atol=1)


@pytest.mark.parametrize(("frames", "middle"), [(1, 0), (4, 2), (5, 2)])
def test_a_video_shows_its_middle_frame(frames: int, middle: int) -> None:
    spec = spec_of("video", (frames, 6, 8), 3, rate=Fraction(25))
    field = linear(spec, [[1, 0, 0]] * 3, [0, 0, 0])
    shade = 255 * (centres(frames)[middle] + 1) / 2
    np.testing.assert_allclose(small_picture(field, 64, 64), shade, atol=1)


def test_arrays_of_more_axes_and_channels() -> None:
    deep = linear(spec_of("array", (3, 4, 6, 8)), [[0, 0, 0, 1]], [0])
    assert small_picture(deep, 64, 64).shape == (6, 8, 3)
    many = linear(spec_of("array", (6, 8), 5, channels_last=True), [[0, 0]] * 5, [1, 0, 0, 0, 0])
    assert np.all(small_picture(many, 64, 64) == 255)


def test_the_sphere() -> None:
    field = linear(spec_of("array", (6, 12), domain="sphere"), [[0, 0, 1]], [0])
    assert small_picture(field, 6, 64).shape == (3, 6, 3)


def test_a_sound_is_a_waveform() -> None:
    # From the lowest value to the highest: the wave climbs from the last row to the first.
    field = linear(spec_of("audio", (90000,), rate=Fraction(8000)), [[1]], [0])
    picture = small_picture(field, 60, 1000)
    assert picture.shape == (20, 60, 3)
    filled = np.all(picture == WAVE_COLOUR, axis=-1)
    assert np.all(filled | np.all(picture == 0, axis=-1))
    for column, value in enumerate(centres(60)):
        rows = np.flatnonzero(filled[:, column])
        assert len(rows) <= 2
        assert abs(rows.mean() + 0.5 - (1 - value) / 2 * 20) <= 1


def test_the_channels_of_a_sound_share_a_waveform() -> None:
    stereo = linear(spec_of("audio", (900,), 2, rate=Fraction(8000)), [[0], [0]], [1, -1])
    assert np.all(small_picture(stereo, 30, 6) == WAVE_COLOUR)


def test_a_field_that_has_diverged() -> None:
    field = linear(spec_of("image", (4, 4), 3), [[0, 0]] * 3, [float("nan"), float("inf"), 0])
    assert small_picture(field, 4, 4).shape == (4, 4, 3)
