from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

from sinefit.errors import SettingError
from sinefit.signals.image.pixels import check_downsample, crop, downsample, downsampled_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

pictures = hypothesis_numpy.arrays(
    st.sampled_from([np.uint8, np.uint16]),
    st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 4)),
)


@settings(deadline=None)
@given(pictures, st.integers(1, 9))
def test_downsample_is_the_rounded_mean_of_each_block(
    pixels: NDArray[np.unsignedinteger], factor: int
) -> None:
    result = downsample(pixels, factor)
    height, width, channels = pixels.shape
    assert result.shape == (
        downsampled_size(height, factor),
        downsampled_size(width, factor),
        channels,
    )
    assert result.dtype == pixels.dtype
    for row, column, channel in np.ndindex(result.shape):
        block = pixels[
            row * factor : (row + 1) * factor, column * factor : (column + 1) * factor, channel
        ]
        mean = Fraction(sum(int(value) for value in block.ravel()), block.size)
        assert abs(Fraction(int(result[row, column, channel])) - mean) <= Fraction(1, 2)


def test_halves_round_upwards() -> None:
    pixels = np.array([[[0], [1]], [[1], [0]]], np.uint8)
    assert downsample(pixels, 2).tolist() == [[[1]]]


def test_downsample_works_on_stacks_of_frames() -> None:
    frames = np.arange(2 * 5 * 7 * 3, dtype=np.uint8).reshape(2, 5, 7, 3)
    stacked = downsample(frames, 3)
    assert np.array_equal(stacked, np.stack([downsample(frame, 3) for frame in frames]))


def test_floating_means_are_not_rounded() -> None:
    pixels = np.array([[[0.25], [1.0]]], np.float32)
    assert downsample(pixels, 2).tolist() == [[[0.625]]]


def test_booleans_become_the_majority() -> None:
    pixels = np.array([[[True], [True], [False], [False]]] * 2)
    pixels[0, 1] = False
    assert downsample(pixels, 2).tolist() == [[[True], [False]]]


def test_a_factor_of_one_changes_nothing() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert downsample(pixels, 1) is pixels


def test_crop_keeps_the_region() -> None:
    pixels = np.arange(4 * 6 * 2).reshape(4, 6, 2)
    assert np.array_equal(crop(pixels, (1, 2, 3, 2), "a.png"), pixels[2:4, 1:4])


@pytest.mark.parametrize("region", [(4, 0, 3, 1), (0, 3, 1, 2), (6, 0, 1, 1)])
def test_crop_refuses_a_region_that_leaves_the_picture(region: tuple[int, int, int, int]) -> None:
    with pytest.raises(SettingError, match=r"`region` .* inside a\.png, which is 6x4 pixels"):
        crop(np.zeros((4, 6, 3), np.uint8), region, "a.png")


def test_blocks_larger_than_a_side_are_refused() -> None:
    check_downsample(4, 6, 4, "a.png")
    with pytest.raises(SettingError, match=r"`downsample` is 5: .* at most 4.* 6x4 .* of a\.png"):
        check_downsample(5, 6, 4, "a.png")
