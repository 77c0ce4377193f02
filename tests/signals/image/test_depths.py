from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from sinefit.signals.image.depths import find_pixel_depth, find_stream_depth, png_header


@pytest.mark.parametrize(
    ("mode", "header"), [("L", (8, 0)), ("RGB", (8, 2)), ("P", (8, 3)), ("RGBA", (8, 6))]
)
def test_header_of_png(mode: str, header: tuple[int, int]) -> None:
    file = io.BytesIO()
    Image.effect_noise((9, 9), 90).convert(mode).save(file, "PNG")
    assert png_header(file) == header


def test_header_of_what_is_no_png() -> None:
    assert png_header(io.BytesIO(b"")) == (0, 0)
    assert png_header(io.BytesIO(bytes(100))) == (0, 0)


@pytest.mark.parametrize(("bits", "expected"), [((8, 8, 8), 8), ((10, 10, 10, 8), 10), ((), 8)])
def test_the_depth_of_a_picture(bits: tuple[int, ...], expected: int) -> None:
    pixi = struct.pack(">I4s4xB", 13 + len(bits), b"pixi", len(bits)) + bytes(bits)
    assert find_pixel_depth(io.BytesIO(bytes(100) + pixi + bytes(40))) == expected
    assert find_pixel_depth(io.BytesIO(bytes(100))) == 8
    assert find_pixel_depth(io.BytesIO(b"xxxxpixi")) == 8


@pytest.mark.parametrize(("mode", "bits"), [("RGB", 8), ("I;16", 16)])
@pytest.mark.parametrize("boxes", [False, True])
def test_the_depth_of_a_code_stream(mode: str, bits: int, boxes: bool) -> None:
    file = io.BytesIO()
    Image.new(mode, (9, 7)).save(file, "JPEG2000", no_jp2=not boxes)
    assert find_stream_depth(file) == bits
    assert find_stream_depth(io.BytesIO(file.getvalue()[:40])) == 8
