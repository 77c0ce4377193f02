from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from sinefit.signals.image.png_texts import LONGEST_TEXT, without_long_texts
from sinefit.signals.reading import read_signal

if TYPE_CHECKING:
    from tests.signals.conftest import FfmpegEncode, Gradient

PIXELS = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)


def png(**options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG", **options)
    return file.getvalue()


def texts(*contents: str, how: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for content in contents:
        if how == "iTXt":
            info.add_itxt("Comment", content, "en", "Bemerkung", zip=True)
        else:
            info.add_text("Comment", content, zip=how == "zTXt")
    return png(pnginfo=info)


@pytest.mark.parametrize("how", ["tEXt", "zTXt", "iTXt"])
def test_an_oversized_text_does_not_cost_the_picture(how: str) -> None:
    signal = read_signal(texts("x" * (2 * LONGEST_TEXT), how=how), name="it")
    np.testing.assert_array_equal(signal.samples, PIXELS)
    assert signal.notices == ("its text was left out: it is longer than 1 MiB",)


def test_many_texts_count_together() -> None:
    signal = read_signal(texts(*["x" * (LONGEST_TEXT // 2)] * 3, how="zTXt"), name="it")
    np.testing.assert_array_equal(signal.samples, PIXELS)
    assert len(signal.notices) == 1


@pytest.mark.parametrize("how", ["tEXt", "zTXt", "iTXt"])
def test_an_ordinary_text_is_passed_on(how: str) -> None:
    content = texts("made in the garden", how=how)
    notices: list[str] = []
    file = io.BytesIO(content)
    assert without_long_texts(file, notices) is file
    assert notices == []
    assert read_signal(content, name="it").notices == ()


def test_an_oversized_profile_does_not_cost_the_picture() -> None:
    signal = read_signal(png(icc_profile=bytes(2 * LONGEST_TEXT)), name="it")
    np.testing.assert_array_equal(signal.samples, PIXELS)
    assert signal.spec.icc_profile is None
    assert signal.notices == ("its colour profile was left out: it is longer than 1 MiB",)


def test_a_deep_picture_is_told_of_too(ffmpeg_encode: FfmpegEncode, gradient: Gradient) -> None:
    pixels = gradient(7, 9, 3, 16)
    plain = ffmpeg_encode(pixels, "png")
    place = plain.index(b"IDAT") - 4
    signal = read_signal(plain[:place] + long_text() + plain[place:], name="it")
    np.testing.assert_array_equal(signal.samples, pixels)
    assert len(signal.notices) == 1


def long_text() -> bytes:
    """A chunk of text that unfolds to 2 MiB."""
    data = b"Comment\0\0" + zlib.compress(bytes(2 * LONGEST_TEXT))
    chunk = b"zTXt" + data
    return struct.pack(">I", len(data)) + chunk + struct.pack(">I", zlib.crc32(chunk))


def test_the_view_is_the_file_without_its_texts() -> None:
    plain = png()
    place = plain.index(b"IDAT") - 4
    view = without_long_texts(io.BytesIO(plain[:place] + long_text() + plain[place:]), [])
    assert view.read() == plain
    view.seek(place - 2)
    assert view.read(9) == plain[place - 2 : place + 7]
    assert view.seek(-4, 2) == len(plain) - 4
    assert view.read() == plain[-4:]
