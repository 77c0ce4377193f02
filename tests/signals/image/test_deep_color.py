from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from sinefit.errors import InputError
from sinefit.signals.image.deep_color import DeepLayout, decode_deep, tiff_layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.signals.conftest import FfmpegEncode

# Tags of a deep RGB TIFF of 7x5 pixels: width, height, bits, photometric, samples per pixel.
RGB = {256: (7,), 257: (5,), 258: (16, 16, 16), 262: (2,), 277: (3,)}


def test_layout_of_rgb_with_what_else_the_file_tells() -> None:
    assert tiff_layout(RGB) == DeepLayout(7, 5, 3, 3)
    layout = tiff_layout({**RGB, 274: (6,), 34675: (b"profile",)})
    assert layout == DeepLayout(7, 5, 3, 3, orientation=6, icc_profile=b"profile")


@pytest.mark.parametrize(
    ("extra", "channels", "premultiplied"),
    [((2,), 4, False), ((1,), 4, True), ((0,), 3, False), ((), 3, False)],
)
def test_layout_of_a_fourth_channel(
    extra: tuple[int, ...], channels: int, premultiplied: bool
) -> None:
    tags = {**RGB, 258: (16,) * 4, 277: (4,), 338: extra}
    assert tiff_layout(tags) == DeepLayout(7, 5, 4, channels, premultiplied)


@pytest.mark.parametrize(
    "changes",
    [
        {258: (8, 8, 8)},
        {258: (16,), 262: (1,)},
        {262: (5,), 258: (16,) * 4},
        {262: (6,)},
        {339: (2, 2, 2)},
        {339: (3, 3, 3)},
        {258: (16,) * 5},
    ],
)
def test_what_is_left_to_pillow(changes: dict[int, tuple[int, ...]]) -> None:
    assert tiff_layout({**RGB, **changes}) is None


def test_decoding_refuses_more_and_fewer_pixels_than_announced(
    save: Callable[[str, bytes], Path], ffmpeg_encode: FfmpegEncode
) -> None:
    pixels = np.zeros((5, 7, 3), np.uint16)
    path = save("a.png", ffmpeg_encode(pixels, "png"))
    assert decode_deep(path, "a.png", "png", DeepLayout(7, 5, 3, 3)).shape == (5, 7, 3)
    for height in (4, 6):
        with pytest.raises(InputError, match=r"a\.png cannot be decoded"):
            decode_deep(path, "a.png", "png", DeepLayout(7, height, 3, 3))
