from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from sinefit.errors import OutputError
from sinefit.signals.image.png import PngStream, filter_rows

from .encoding import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tests.signals.conftest import Gradient


@given(
    pixels=hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))),
    cut=st.integers(0, 9),
)
def test_any_pixels_survive_any_cut_into_bands(pixels: NDArray[np.uint8], cut: int) -> None:
    with Image.open(
        io.BytesIO(encode(PngStream, pixels, 8, cuts=[min(cut, len(pixels))]))
    ) as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_bands_do_not_change_the_file(gradient: Gradient) -> None:
    pixels = gradient(30, 20, 3)
    assert encode(PngStream, pixels, 8, cuts=[1, 2, 17]) == encode(PngStream, pixels, 8)


def test_profile_is_embedded_and_no_other_statement_about_colour(
    gradient: Gradient, profile: Callable[[bytes], bytes]
) -> None:
    pixels = gradient(5, 5, 3)
    with Image.open(
        io.BytesIO(encode(PngStream, pixels, 8, icc_profile=profile(b"RGB ")))
    ) as image:
        assert image.info["icc_profile"] == profile(b"RGB ")
    plain = encode(PngStream, pixels, 8)
    assert not any(chunk in plain for chunk in (b"iCCP", b"sRGB", b"gAMA", b"cHRM"))


def test_every_chunk_has_its_checksum_and_no_chunk_is_long(gradient: Gradient) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    data = encode(PngStream, noise, 8, cuts=[100, 200, 300])
    position, names = 8, []
    while position < len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        name_and_body = data[position + 4 : position + 8 + size]
        checksum = int.from_bytes(data[position + 8 + size : position + 12 + size], "big")
        assert zlib.crc32(name_and_body) == checksum
        names.append(name_and_body[:4])
        position += 12 + size
    assert names[0] == b"IHDR"
    assert names[-1] == b"IEND"
    assert names.count(b"IDAT") > 1


def paeth(a: int, b: int, c: int) -> int:
    return min((a, b, c), key=lambda near: abs(a + b - c - near))


def undo(
    filtered: NDArray[np.uint8], previous: NDArray[np.uint8], pixel_bytes: int
) -> NDArray[np.uint8]:
    """Undo filters byte by byte, as chapter 9 of the specification writes it."""
    rows = []
    above: list[int] = previous.tolist()
    for number, *line in filtered.tolist():
        row: list[int] = []
        for index, value in enumerate(line):
            a = row[index - pixel_bytes] if index >= pixel_bytes else 0
            b = above[index]
            c = above[index - pixel_bytes] if index >= pixel_bytes else 0
            row.append((value + (0, a, b, (a + b) // 2, paeth(a, b, c))[number]) % 256)
        rows.append(row)
        above = row
    return np.array(rows, np.uint8)


@given(
    rows=hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 24))),
    pixel_bytes=st.sampled_from([1, 2, 3, 4, 6, 8]),
    data=st.data(),
)
def test_filters_are_undone_by_the_specification(
    rows: NDArray[np.uint8], pixel_bytes: int, data: st.DataObject
) -> None:
    previous = data.draw(hnp.arrays(np.uint8, rows.shape[1]))
    filtered = filter_rows(rows, previous, pixel_bytes)
    np.testing.assert_array_equal(undo(filtered, previous, pixel_bytes), rows)


def test_every_filter_is_chosen_where_it_leaves_nothing() -> None:
    width = 12
    previous = np.arange(10, 10 + width, dtype=np.uint8) ** 2
    ramp = np.cumsum(np.full(width, 3), dtype=np.uint8)
    average = np.zeros(width, np.uint8)
    for index in range(width):
        average[index] = (int(average[index - 1] if index else 0) + int(previous[index])) // 2
    rows = {0: np.zeros(width, np.uint8), 2: previous, 3: average}
    for number, row in rows.items():
        filtered = filter_rows(row[None], previous, 1)
        assert filtered[0, 0] == number
        assert not filtered[0, 1:].any()
    # A ramp leaves its constant slope under "sub", the first filter that does.
    assert filter_rows(ramp[None], previous, 1)[0].tolist() == [1] + [3] * width


def test_smooth_pictures_become_smaller_than_unfiltered(gradient: Gradient) -> None:
    pixels = gradient(64, 64, 3)
    smooth = (pixels.astype(int).cumsum(axis=1) // 40).astype(np.uint8)
    assert len(encode(PngStream, smooth, 8)) < len(zlib.compress(smooth.tobytes(), 9))


def test_rows_that_do_not_fit_are_refused() -> None:
    stream = PngStream(io.BytesIO(), 4, 2, 3, 8)
    with pytest.raises(OutputError, match="do not fit"):
        stream.write(np.zeros((1, 5, 3), np.uint8))
    with pytest.raises(OutputError, match="do not fit"):
        stream.write(np.zeros((3, 4, 3), np.uint8))


def test_missing_rows_are_refused() -> None:
    stream = PngStream(io.BytesIO(), 4, 2, 3, 8)
    stream.write(np.zeros((1, 4, 3), np.uint8))
    with pytest.raises(OutputError, match="1 rows"):
        stream.close()
