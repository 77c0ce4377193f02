from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sinefit.errors import InputError, OutputError
from sinefit.signals.image.pnm import PnmStream, decode_pnm, is_pnm
from sinefit.signals.limits import Limits
from sinefit.signals.reading import read_signal
from sinefit.signals.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path

    from sinefit.signals.signal import Signal
    from tests.signals.conftest import FfmpegDecode, Gradient

LIMITS = Limits()


def read(content: bytes, **selection: Any) -> Signal:
    return read_signal(content, name="it", selection=Selection(**selection))


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (8, 5), (33, 17)])
def test_what_pillow_writes_is_read(mode: str, size: tuple[int, int]) -> None:
    picture = Image.linear_gradient("L").resize(size).convert(mode)
    file = io.BytesIO()
    picture.save(file, "PPM")
    signal = read(file.getvalue())
    expected = np.asarray(picture.convert("L" if mode == "1" else mode))
    np.testing.assert_array_equal(np.squeeze(signal.samples), np.squeeze(expected))
    assert (signal.spec.format, signal.spec.bit_depth, signal.notices) == ("ppm", 8, ())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
def test_what_is_written_is_read_by_ffmpeg(
    gradient: Gradient, ffmpeg_decode: FfmpegDecode, channels: int, bits: int
) -> None:
    pixels = gradient(9, 14, channels, bits)
    file = io.BytesIO()
    stream = PnmStream(file, 14, 9, channels, bits)
    stream.write(pixels[:4])
    stream.write(pixels[4:])
    stream.close()
    decoder = "pgm" if channels == 1 else "ppm"
    np.testing.assert_array_equal(
        ffmpeg_decode(file.getvalue(), decoder, pixels.shape, bits), pixels
    )
    np.testing.assert_array_equal(read(file.getvalue()).samples, pixels)


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"P1\n# a comment\n3 2\n1 0 1\n0 0 1\n", [[0, 255, 0], [255, 255, 0]]),
        (b"P1 3 2 101001", [[0, 255, 0], [255, 255, 0]]),
        (b"P2 2 2 255\n0 1 # one\n2 255", [[0, 1], [2, 255]]),
        (b"P2 2 1 65535 258 65535", [[258, 65535]]),
        (b"P3 1 1 255 10 20 30", [[[10, 20, 30]]]),
        (b"P4 9 1\n\xaa\x80", [[0, 255, 0, 255, 0, 255, 0, 255, 0]]),
        (b"P5 2 1 255\n\x0a#", [[10, 35]]),
        # Scaled to full: 1/3 of 255, 1/2 of 65535 rounded.
        (b"P5 4 1 3\n\x00\x01\x02\x03", [[0, 85, 170, 255]]),
        (b"P5 2 1 1000\n\x01\xf4\x03\xe8", [[32768, 65535]]),
        (b"P6#c\n1\t1\r\n255 \x01\x02\x03", [[[1, 2, 3]]]),
    ],
)
def test_all_six_variants(content: bytes, values: list[list[int]] | list[list[list[int]]]) -> None:
    assert is_pnm(content)
    assert np.squeeze(read(content).samples).tolist() == np.squeeze(values).tolist()


def test_a_part_of_a_picture_and_the_next_one() -> None:
    content = b"P5 4 2 255\n" + bytes(range(8))
    assert read(content, region=(1, 1, 2, 1)).samples.ravel().tolist() == [5, 6]
    signal = read(content + content)
    assert signal.samples.ravel().tolist() == list(range(8))
    assert signal.notices == ("only the first of its pictures was read",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"P5 4 2 255\n" + bytes(7), "1 bytes of its pixels are missing"),
        (b"P2 4 2 255\n1 2 3", "cannot hold 8 values"),
        (b"P2 2 1 255\n1               ", "has 1 of 2 values"),
        (b"P2 2 1 255\n1 two", "more than numbers"),
        (b"P2 2 1 255\n1 -2", "more than numbers"),
        (b"P2 2 1 255\n1 99999999", "more than numbers"),
        (b"P5 4 2 0\n" + bytes(8), "its white is 0"),
        (b"P5 4 2 70000\n" + bytes(8), "its white is 70000"),
        (b"P5 0 2 255\n", "no pixels"),
        (b"P5 99999 99999 255\n", "`max_pixels`"),
        (b"P1 40000 40000\n", "`max_pixels`|cannot hold"),
    ],
)
def test_what_is_wrong_is_told(content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(content)


def test_a_wrong_name_of_the_format_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"P7\nWIDTH 3\n")
    with pytest.raises(InputError, match="header is damaged"):
        decode_pnm(tmp_path / "a", "a", LIMITS)


@given(st.binary(max_size=60))
def test_any_header_is_told_or_not(content: bytes) -> None:
    assert is_pnm(b"P" + content) in (True, False)


def test_missing_and_foreign_rows_are_errors() -> None:
    stream = PnmStream(io.BytesIO(), 4, 2, 1, 8)
    with pytest.raises(OutputError, match="do not fit"):
        stream.write(np.zeros((1, 5, 1), np.uint8))
    with pytest.raises(OutputError, match="2 rows"):
        stream.close()
