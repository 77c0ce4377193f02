from __future__ import annotations

import pytest
from PIL import Image

from sinefit.errors import OutputError
from sinefit.signals.image_formats import (
    IMAGE_CAPABILITIES,
    IMAGE_FORMATS,
    check_image_writable,
)
from sinefit.signals.signal import SignalSpec


def spec_of(shape, dtype="uint8", **others):
    *size, channels = shape
    high, bits = (65535.0, 16) if dtype == "uint16" else (255.0, 8)
    alpha = others.get("alpha", channels in (2, 4))
    return SignalSpec("image", tuple(size), channels, dtype, 0.0, high, "png", bits, alpha=alpha)


@pytest.mark.parametrize(
    ("shape", "dtype", "format", "words", "able"),
    [
        ((3, 3, 4), "uint8", "jpeg", "alpha", ["png", "webp", "tiff", "npy"]),
        ((3, 3, 2), "uint8", "bmp", "alpha", ["png", "webp", "tiff", "npy"]),
        ((3, 3, 3), "uint16", "jpeg", "16-bit", ["png", "tiff", "npy"]),
        ((3, 3, 4), "uint16", "webp", "16-bit", ["png", "tiff", "npy"]),
        ((3, 65536, 3), "uint8", "jpeg", "65536x3", ["png", "tiff", "bmp", "npy"]),
        ((16384, 3, 3), "uint8", "webp", "16383", ["png", "jpeg", "tiff", "bmp", "gif", "npy"]),
        ((40000, 40000, 3), "uint8", "tiff", "4 GiB", ["png", "jpeg", "gif", "npy"]),
    ],
)
def test_what_a_format_cannot_hold_names_those_that_can(shape, dtype, format, words, able):
    like = spec_of(shape, dtype=dtype)
    with pytest.raises(OutputError, match=words) as error:
        check_image_writable(like, format)
    named = str(error.value).split(": use ")[1].replace(" or ", ", ").split(", ")
    assert named == able
    for name in able[:-1]:
        check_image_writable(like, name)


def test_what_no_image_format_can_hold_is_sent_to_npy():
    floats = spec_of((3, 3, 3), dtype="float32")
    many = spec_of((3, 3, 5))
    opaque_pair = spec_of((3, 3, 2), alpha=False)
    for like in (floats, many, opaque_pair):
        with pytest.raises(OutputError, match="npy"):
            check_image_writable(like, "png")


def test_formats_of_other_kinds_are_refused():
    like = spec_of((3, 3, 3))
    with pytest.raises(OutputError, match="png, jpeg"):
        check_image_writable(like, "wav")


def test_names_and_endings_agree_with_pillow():
    Image.init()
    for format, capability in IMAGE_CAPABILITIES.items():
        assert IMAGE_FORMATS[format] == capability.extensions
        for extension in capability.extensions:
            assert Image.EXTENSION[extension] == capability.pillow
