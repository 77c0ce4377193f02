from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sinefit.errors import InputError, SettingError
from sinefit.signals.array.reading import array_signal
from sinefit.signals.masks import by_mask, filled, reduced
from sinefit.signals.reading import read_signal
from sinefit.signals.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path

SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple)


def save(path: Path, values: np.ndarray[Any, Any]) -> str:
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        Image.fromarray(values).save(path)
    return str(path)


@given(SHAPES, st.integers(0, 2**32 - 1), st.floats(0.05, 1.0))
def test_what_is_filled_lies_within_what_is_known(
    shape: tuple[int, ...], seed: int, share: float
) -> None:
    generator = np.random.default_rng(seed)
    samples = generator.random((*shape, 2))
    known = generator.random(shape) < share
    known.flat[0] = True
    found = filled(samples, known)
    np.testing.assert_array_equal(found[known], samples[known])
    assert (found >= samples[known].min(axis=0) - 1e-12).all()
    assert (found <= samples[known].max(axis=0) + 1e-12).all()


def test_a_hole_in_a_ramp_is_filled_by_about_the_ramp() -> None:
    ramp = np.linspace(0.0, 1.0, 64)[:, None] * np.ones((1, 32))
    known = np.ones((64, 32), bool)
    known[28:36, 10:18] = False
    error = filled(ramp[..., None], known)[..., 0] - ramp
    assert np.abs(error).max() < 0.05


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.bool_, np.float16])
def test_a_guess_has_the_type_of_the_samples(dtype: type) -> None:
    samples: np.ndarray[Any, Any] = np.ones((4, 1), dtype)
    found = filled(samples, np.array([True, False, False, True]))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, samples)


def test_samples_of_nan_are_unknown_and_out_of_the_range() -> None:
    values = np.arange(24.0).reshape(4, 3, 2)
    values[1, 2, 0] = values[3, 0, 1] = math.nan
    signal = array_signal(values, channels_last=True)
    assert signal.known is not None
    assert [tuple(each) for each in np.argwhere(~signal.known)] == [(1, 2), (3, 0)]
    assert (signal.spec.low, signal.spec.high) == (0.0, 23.0)
    assert np.isfinite(signal.samples).all()
    assert "NaN leaves out 2 of 12 samples" in signal.notices[0]
    assert np.isnan(values).sum() == 2  # the caller's array is left alone


def test_nothing_but_nan_is_refused() -> None:
    with pytest.raises(InputError, match="nothing but NaN"):
        array_signal(np.full((3, 3), math.nan))
    with pytest.raises(InputError, match="leaves out all 2 samples"):
        array_signal(np.array([[1.0, math.nan], [math.nan, 2.0]]), channels_last=True)


def test_a_mask_is_a_picture_an_array_or_the_alpha_channel(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (10, 12, 3), np.uint8)
    keep = generator.random((10, 12)) < 0.6
    photo = save(tmp_path / "photo.png", pixels)
    alpha = np.where(keep, 200, 0).astype(np.uint8)
    clear = save(tmp_path / "clear.png", np.dstack([pixels, alpha]))
    grey = save(tmp_path / "mask.png", np.where(keep, 1, 0).astype(np.uint8))
    # Opaque everywhere: what counts in a mask's file is its colours.
    opaque = save(
        tmp_path / "colour.png",
        np.dstack([keep * 255, keep * 0, keep * 9, np.full((10, 12), 255)]).astype(np.uint8),
    )
    array = save(tmp_path / "mask.npy", keep)
    for source, mask in ((photo, grey), (photo, opaque), (photo, array), (clear, "alpha")):
        signal = read_signal(source, selection=Selection(mask=mask))
        np.testing.assert_array_equal(signal.known, keep)
        assert signal.spec.channels == 3
        assert not signal.spec.alpha
        np.testing.assert_array_equal(signal.samples[keep], pixels[keep])


def test_a_mask_is_cut_and_reduced_with_its_picture(tmp_path: Path) -> None:
    keep = np.ones((9, 12), bool)
    keep[3, 5] = False
    photo = save(tmp_path / "photo.png", np.zeros((9, 12), np.uint8))
    mask = save(tmp_path / "mask.png", keep.astype(np.uint8) * 255)
    part = Selection(mask=mask, region=(1, 1, 10, 7), downsample=3)
    signal = read_signal(photo, selection=part)
    assert signal.known is not None
    # Row 2 and column 4 of the region: the pixel (0, 1) of the reduced one.
    assert [tuple(each) for each in np.argwhere(~signal.known)] == [(0, 1)]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_an_averaged_pixel_is_known_where_all_of_it_is(
    height: int, width: int, factor: int, seed: int
) -> None:
    known = np.random.default_rng(seed).random((height, width)) < 0.8
    found = reduced(known, factor)
    for row, column in np.ndindex(found.shape):
        rows = slice(row * factor, (row + 1) * factor)
        assert found[row, column] == known[rows, column * factor : (column + 1) * factor].all()


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        (np.ones((2, 3)), "is 2 x 3, the signal 4 x 3: make a mask of the signal's size"),
        (np.full((4, 3), math.nan), "holds no numbers"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(mask: Any, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        by_mask(array_signal(np.zeros((4, 3))), mask)


def test_a_mask_that_keeps_nothing_is_refused(tmp_path: Path) -> None:
    photo = save(tmp_path / "photo.png", np.zeros((9, 12), np.uint8))
    with pytest.raises(InputError, match="leaves out all 108 samples: keep some"):
        read_signal(photo, selection=Selection(mask=photo))
    with pytest.raises(SettingError, match=r"photo\.png has no alpha channel|has no alpha"):
        read_signal(photo, selection=Selection(mask="alpha"))
    with pytest.raises(InputError, match="does not exist"):
        read_signal(photo, selection=Selection(mask=str(tmp_path / "none.png")))
