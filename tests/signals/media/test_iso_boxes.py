from __future__ import annotations

import bisect
import itertools
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinefit.signals.media.iso_boxes import MOST_PER_BYTE, find_cut_box, find_false_count

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NEEDED = ("moov", "moof", "mdat")
KINDS = st.sampled_from([*NEEDED, "ftyp", "free", "uuid"])


def box(kind: bytes, content: bytes, *, long: bool = False) -> bytes:
    if long:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


@given(
    st.lists(st.tuples(KINDS, st.integers(0, 50), st.booleans()), min_size=1, max_size=6),
    st.data(),
)
def test_a_cut_is_found_where_it_matters(
    tmp_path_factory: pytest.TempPathFactory,
    boxes: list[tuple[str, int, bool]],
    data: st.DataObject,
) -> None:
    pieces = [box(kind.encode(), bytes(size), long=long) for kind, size, long in boxes]
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
        found = find_cut_box(path)
        assert found is not None
        assert found.startswith(f"{missing} bytes of ")
    elif kind not in NEEDED:
        assert find_cut_box(path) is None


@given(st.binary(max_size=200))
def test_any_content_is_taken(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.mp4"
    path.write_bytes(content)
    found = find_cut_box(path)
    assert found is None or found.strip()


@pytest.mark.parametrize("size", [0, 2, 7])
def test_boxes_without_a_length_end_the_search(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(box(b"ftyp", bytes(8)) + struct.pack(">I4s", size, b"mdat") + bytes(99))
    assert find_cut_box(path) is None


def nested(table: bytes, *, long: bool = False) -> bytes:
    """A table where an MP4 file has it, behind boxes of other kinds."""
    for kind in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        table = box(kind, box(b"free", bytes(5)) + table, long=long)
    return box(b"ftyp", b"isom") + table + box(b"mdat", bytes(100))


def sizes(each: int, count: int, entries: bytes = b"") -> bytes:
    return box(b"stsz", struct.pack(">III", 0, each, count) + entries)


def chunks(*counts: int) -> bytes:
    entries = b"".join(struct.pack(">III", k + 1, count, 1) for k, count in enumerate(counts))
    return box(b"stsc", struct.pack(">II", 0, len(counts)) + entries)


def fragment(count: int) -> bytes:
    run = box(b"trun", struct.pack(">II", 0, count))
    return box(b"moof", box(b"traf", box(b"tfhd", bytes(8)) + run))


TOO_MANY = 10**7


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        nested(sizes(1, TOO_MANY)),
        nested(sizes(1, TOO_MANY), long=True),
        nested(chunks(1, 2, TOO_MANY)),
        nested(sizes(1, 100)) + fragment(TOO_MANY),
    ],
)
def test_a_count_beyond_the_bytes_is_found(tmp_path: Path, content: bytes, long: bool) -> None:
    path = tmp_path / "clip"
    path.write_bytes(content + box(b"free", b"", long=long))
    assert find_false_count(path) == TOO_MANY


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"no boxes at all, but a text",
        nested(sizes(1, 100)),
        nested(sizes(0, TOO_MANY)),  # an entry for each is missing, which its reader finds
        nested(chunks(100, 7)),
        nested(b"") + fragment(100),
        box(b"mdat", sizes(1, TOO_MANY)),  # frames that look like a table
        struct.pack(">I4sI", 0, b"mdat", TOO_MANY),
        box(b"moov", struct.pack(">I4s", 3, b"trak")),
        box(b"moov", b"") * 1000,
        nested(box(b"stsz", bytes(3))),
    ],
)
def test_other_files_are_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip"
    path.write_bytes(content)
    assert find_false_count(path) is None


@pytest.mark.parametrize("make", [lambda count: sizes(1, count), chunks])
def test_the_bound_is_exact(tmp_path: Path, make: Callable[[int], bytes]) -> None:
    path = tmp_path / "clip"
    most = MOST_PER_BYTE * len(nested(make(0)))
    path.write_bytes(nested(make(most)))
    assert find_false_count(path) is None
    path.write_bytes(nested(make(most + 1)))
    assert find_false_count(path) == most + 1


@given(st.binary(max_size=60), st.integers(0, 200))
def test_any_content_comes_to_an_end(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes, place: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "rubbish.mp4"
    whole = nested(sizes(1, 100))
    path.write_bytes(whole[:place] + rubbish + whole[place:])
    found = find_false_count(path)
    assert found is None or found > MOST_PER_BYTE
