from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from sinefit.signals.image.tiff_tags import MOST_PAGES, count_pages, tiff_end, tiff_tags


def chain(places: list[int], order: str = "<") -> bytes:
    """A TIFF of directories of one entry, each of which names the place of the next."""
    mark = {"<": b"II", ">": b"MM"}[order]
    content = mark + struct.pack(order + "HI", 42, 8)
    for place in places:
        content += struct.pack(order + "HHHIII", 1, 256, 4, 1, 8, place)
    return content


@pytest.mark.parametrize("pages", [1, 2, 7])
@pytest.mark.parametrize("big", [False, True])
def test_as_pillow_counts(pages: int, big: bool) -> None:
    file = io.BytesIO()
    images = [Image.new("L", (5, 4), k) for k in range(pages)]
    images[0].save(file, "TIFF", save_all=True, append_images=images[1:], big_tiff=big)
    with Image.open(file) as image:
        assert isinstance(image, TiffImagePlugin.TiffImageFile)
        assert image.n_frames == pages
    file.seek(0)
    assert count_pages(file) == pages


@pytest.mark.parametrize("order", ["<", ">"])
def test_in_either_byte_order(order: str) -> None:
    assert count_pages(io.BytesIO(chain([26, 44, 0], order))) == 3


@pytest.mark.parametrize(
    ("places", "count"), [([8], 1), ([26, 8], 2), ([26, 26], 2), ([2**32 - 1], 1), ([26], 1)]
)
def test_a_chain_that_comes_round_or_leaves_the_file_ends(places: list[int], count: int) -> None:
    assert count_pages(io.BytesIO(chain(places))) == count


def test_no_more_are_counted_than_the_limit() -> None:
    places = [8 + 18 * (k + 1) for k in range(MOST_PAGES + 5)]
    assert count_pages(io.BytesIO(chain([*places[:99], 0]))) == 100
    assert count_pages(io.BytesIO(chain([*places, 0]))) == MOST_PAGES


@given(st.binary(max_size=40), st.sampled_from([b"", b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0"]))
def test_any_content_is_taken(content: bytes, signature: bytes) -> None:
    assert count_pages(io.BytesIO(signature + content)) <= 20


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])  # little and big endian files
def test_tags_in_either_byte_order(mode: str) -> None:
    file = io.BytesIO()
    image = Image.frombytes(mode, (7, 5), bytes(70))
    image.save(file, "TIFF", icc_profile=b"profile")
    tags = tiff_tags(file)
    assert (tags[256], tags[257], tags[258]) == ((7,), (5,), (16,))
    assert tags[34675] == (b"profile",)
    assert tiff_end(tags) <= len(file.getvalue())
    assert tiff_end(tags) >= 70


def test_the_end_of_strips_and_of_tiles() -> None:
    assert tiff_end({}) == 0
    assert tiff_end({273: (8, 100), 279: (50, 30)}) == 130
    assert tiff_end({324: (500, 8), 325: (20, 400)}) == 520


def test_strips_without_a_size_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="not as many positions as sizes"):
        tiff_end({273: (8, 100), 279: (92,)})
