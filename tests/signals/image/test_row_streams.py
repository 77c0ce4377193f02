"""What the streams of rows of every format have in common."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from sinefit.signals.image.png import PngStream
from sinefit.signals.image.tiff import TiffStream

from .encoding import encode

if TYPE_CHECKING:
    from tests.signals.conftest import FfmpegDecode, Gradient

STREAMS: dict[str, type[PngStream | TiffStream]] = {"png": PngStream, "tiff": TiffStream}
SIZES = [(1, 1), (1, 40), (40, 1), (33, 17), (17, 33), (301, 299)]


@pytest.mark.parametrize("format", STREAMS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_pillow_reads_8_bit_pixels_back(
    gradient: Gradient, format: str, size: tuple[int, int], channels: int, mode: str
) -> None:
    pixels = gradient(*size, channels)
    content = encode(STREAMS[format], pixels, 8, cuts=[size[0] // 2])
    with Image.open(io.BytesIO(content)) as image:
        assert image.mode == mode
        np.testing.assert_array_equal(np.asarray(image).reshape(pixels.shape), pixels)


@pytest.mark.parametrize("format", STREAMS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_ffmpeg_reads_16_bit_pixels_back(
    gradient: Gradient,
    ffmpeg_decode: FfmpegDecode,
    format: str,
    size: tuple[int, int],
    channels: int,
) -> None:
    pixels = gradient(*size, channels, bits=16)
    content = encode(STREAMS[format], pixels, 16, cuts=[size[0] // 3])
    decoded = ffmpeg_decode(content, format, pixels.shape, 16)
    np.testing.assert_array_equal(decoded, pixels)
