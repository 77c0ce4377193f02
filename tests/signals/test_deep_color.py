from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sinefit.errors import InputError
from sinefit.signals.deep_color import (
    DeepLayout,
    decode_deep,
    png_header,
    tiff_end,
    tiff_layout,
    tiff_tags,
)

# Tags of a deep RGB TIFF of 7x5 pixels: width, height, bits, photometric, samples per pixel.
RGB = {256: (7,), 257: (5,), 258: (16, 16, 16), 262: (2,), 277: (3,)}


@pytest.mark.parametrize(
    ("mode", "header"), [("L", (8, 0)), ("RGB", (8, 2)), ("P", (8, 3)), ("RGBA", (8, 6))]
)
def test_header_of_png(mode, header):
    file = io.BytesIO()
    Image.effect_noise((9, 9), 90).convert(mode).save(file, "PNG")
    assert png_header(file) == header


def test_header_of_what_is_no_png():
    assert png_header(io.BytesIO(b"")) == (0, 0)
    assert png_header(io.BytesIO(bytes(100))) == (0, 0)


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])  # little and big endian files
def test_tags_in_either_byte_order(mode):
    file = io.BytesIO()
    image = Image.frombytes(mode, (7, 5), bytes(70))
    image.save(file, "TIFF", icc_profile=b"profile")
    tags = tiff_tags(file)
    assert (tags[256], tags[257], tags[258]) == ((7,), (5,), (16,))
    assert tags[34675] == (b"profile",)
    assert tiff_end(tags) <= len(file.getvalue())
    assert tiff_end(tags) >= 70


def test_the_end_of_strips_and_of_tiles():
    assert tiff_end({}) == 0
    assert tiff_end({273: (8, 100), 279: (50, 30)}) == 130
    assert tiff_end({324: (500, 8), 325: (20, 400)}) == 520


def test_layout_of_rgb_with_what_else_the_file_tells():
    assert tiff_layout(RGB) == DeepLayout(7, 5, 3, 3)
    layout = tiff_layout({**RGB, 274: (6,), 34675: (b"profile",)})
    assert layout == DeepLayout(7, 5, 3, 3, orientation=6, icc_profile=b"profile")


@pytest.mark.parametrize(
    ("extra", "channels", "premultiplied"),
    [((2,), 4, False), ((1,), 4, True), ((0,), 3, False), ((), 3, False)],
)
def test_layout_of_a_fourth_channel(extra, channels, premultiplied):
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
def test_what_is_left_to_pillow(changes):
    assert tiff_layout({**RGB, **changes}) is None


def test_decoding_refuses_more_and_fewer_pixels_than_announced(save, ffmpeg_encode):
    pixels = np.zeros((5, 7, 3), np.uint16)
    path = save("a.png", ffmpeg_encode(pixels, "png"))
    assert decode_deep(path, "a.png", "png", DeepLayout(7, 5, 3, 3)).shape == (5, 7, 3)
    for height in (4, 6):
        with pytest.raises(InputError, match=r"a\.png cannot be decoded"):
            decode_deep(path, "a.png", "png", DeepLayout(7, height, 3, 3))


def test_strips_without_a_size_are_refused_in_words():
    with pytest.raises(ValueError, match="not as many positions as sizes"):
        tiff_end({273: (8, 100), 279: (92,)})
