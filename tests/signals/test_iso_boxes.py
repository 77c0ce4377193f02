from __future__ import annotations

import bisect
import io
import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sinefit.signals.iso_boxes import find_cut_box, find_pixel_depth, find_stream_depth

NEEDED = ("moov", "moof", "mdat")
KINDS = st.sampled_from([*NEEDED, "ftyp", "free", "uuid"])


def box(kind: str, size: int, *, long: bool = False) -> bytes:
    if long:
        return struct.pack(">I4sQ", 1, kind.encode(), 16 + size) + bytes(size)
    return struct.pack(">I4s", 8 + size, kind.encode()) + bytes(size)


@given(
    st.lists(st.tuples(KINDS, st.integers(0, 50), st.booleans()), min_size=1, max_size=6),
    st.data(),
)
def test_a_cut_is_found_where_it_matters(tmp_path_factory, boxes, data):
    pieces = [box(kind, size, long=long) for kind, size, long in boxes]
    content = b"".join(pieces)
    path = tmp_path_factory.getbasetemp() / "cut.mp4"
    path.write_bytes(content)
    assert find_cut_box(path) is None
    kept = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:kept])
    begins = list(itertools.accumulate(map(len, pieces), initial=0))
    cut = bisect.bisect_right(begins, kept) - 1
    if cut == len(pieces):
        return
    kind, _, long = boxes[cut]
    missing = begins[cut + 1] - kept
    if kind in NEEDED and kept - begins[cut] >= (16 if long else 8):
        assert find_cut_box(path).startswith(f"{missing} bytes of ")
    elif kind not in NEEDED:
        assert find_cut_box(path) is None


@given(st.binary(max_size=200))
def test_any_content_is_taken(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.mp4"
    path.write_bytes(content)
    find_cut_box(path)


@pytest.mark.parametrize("size", [0, 2, 7])
def test_boxes_without_a_length_end_the_search(tmp_path, size):
    path = tmp_path / "a.mp4"
    path.write_bytes(box("ftyp", 8) + struct.pack(">I4s", size, b"mdat") + bytes(99))
    assert find_cut_box(path) is None


@pytest.mark.parametrize(("bits", "expected"), [((8, 8, 8), 8), ((10, 10, 10, 8), 10), ((), 8)])
def test_the_depth_of_a_picture(bits, expected):
    pixi = struct.pack(">I4s4xB", 13 + len(bits), b"pixi", len(bits)) + bytes(bits)
    assert find_pixel_depth(io.BytesIO(bytes(100) + pixi + bytes(40))) == expected
    assert find_pixel_depth(io.BytesIO(bytes(100))) == 8
    assert find_pixel_depth(io.BytesIO(b"xxxxpixi")) == 8


@pytest.mark.parametrize(("mode", "bits"), [("RGB", 8), ("I;16", 16)])
@pytest.mark.parametrize("boxes", [False, True])
def test_the_depth_of_a_code_stream(mode, bits, boxes):
    file = io.BytesIO()
    Image.new(mode, (9, 7)).save(file, "JPEG2000", no_jp2=not boxes)
    assert find_stream_depth(file) == bits
    assert find_stream_depth(io.BytesIO(file.getvalue()[:40])) == 8
