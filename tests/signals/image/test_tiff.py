from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from sinefit.errors import OutputError
from sinefit.signals.image.tiff import TiffStream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tests.signals.conftest import FfmpegDecode, Gradient

SIZES = [(1, 1), (1, 40), (40, 1), (33, 17), (301, 299)]


def encode(
    pixels: NDArray[np.unsignedinteger],
    bits: int,
    *,
    cuts: Sequence[int] = (),
    icc_profile: bytes | None = None,
) -> bytes:
    height, width, channels = pixels.shape
    file = io.BytesIO()
    stream = TiffStream(file, width, height, channels, bits, icc_profile)
    for rows in np.split(pixels, cuts):
        stream.write(rows)
    stream.close()
    return file.getvalue()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_pillow_reads_8_bit_pixels_back(
    gradient: Gradient, size: tuple[int, int], channels: int, mode: str
) -> None:
    pixels = gradient(*size, channels)
    with Image.open(io.BytesIO(encode(pixels, 8, cuts=[size[0] // 2]))) as image:
        assert image.mode == mode
        np.testing.assert_array_equal(np.asarray(image).reshape(pixels.shape), pixels)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_ffmpeg_reads_16_bit_pixels_back(
    gradient: Gradient, ffmpeg_decode: FfmpegDecode, size: tuple[int, int], channels: int
) -> None:
    pixels = gradient(*size, channels, bits=16)
    decoded = ffmpeg_decode(encode(pixels, 16, cuts=[size[0] // 3]), "tiff", pixels.shape, 16)
    np.testing.assert_array_equal(decoded, pixels)


def test_profile_is_embedded(gradient: Gradient, profile: Callable[[bytes], bytes]) -> None:
    data = encode(gradient(3, 3, 3), 8, icc_profile=profile(b"RGB "))
    with Image.open(io.BytesIO(data)) as image:
        assert image.info["icc_profile"] == profile(b"RGB ")


def test_rows_that_do_not_fit_or_are_missing_are_refused() -> None:
    stream = TiffStream(io.BytesIO(), 4, 2, 3, 8)
    with pytest.raises(OutputError, match="do not fit"):
        stream.write(np.zeros((1, 5, 3), np.uint8))
    stream.write(np.zeros((1, 4, 3), np.uint8))
    with pytest.raises(OutputError, match="1 rows"):
        stream.close()
