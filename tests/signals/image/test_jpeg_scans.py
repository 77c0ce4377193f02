from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sinefit.signals.image.jpeg_scans import MOST_SCANS, has_too_many_scans


def jpeg(**options: object) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8)
    Image.fromarray(pixels).save(file, "JPEG", **options)
    return file.getvalue()


def starts_of_scans(content: bytes) -> list[int]:
    # Within the codes of a scan each byte 255 is followed by a zero.
    return [found.start() for found in re.finditer(b"\xff\xda", content)]


@pytest.mark.parametrize(("options", "count"), [({}, 1), ({"progressive": True}, 10)])
@pytest.mark.parametrize("padding", [0, 2**20 - 300, 2**20 + 1])
def test_scans_are_counted(options: dict[str, Any], count: int, padding: int) -> None:
    content = jpeg(quality=95, **options)
    assert len(starts_of_scans(content)) == count
    # Fill bytes may stand before any marker.
    content = content[:-2] + b"\xff" * padding + content[-2:]
    assert not has_too_many_scans(io.BytesIO(content), count)
    assert has_too_many_scans(io.BytesIO(content), count - 1)


def test_many_scans() -> None:
    content = jpeg(progressive=True)
    last = content[starts_of_scans(content)[-1] : -2]
    most = content[:-2] + (MOST_SCANS - 10) * last
    assert not has_too_many_scans(io.BytesIO(most + b"\xff\xd9"))
    assert has_too_many_scans(io.BytesIO(most + last + b"\xff\xd9"))
    assert has_too_many_scans(io.BytesIO(most + last))


def test_segments_and_what_follows_the_end_are_no_scans() -> None:
    content = jpeg()
    scans = b"\xff\xda\0\x02" * (MOST_SCANS + 1)
    comment = b"\xff\xfe" + (len(scans) + 2).to_bytes(2, "big") + scans
    assert not has_too_many_scans(io.BytesIO(content[:2] + comment + content[2:] + scans))


@given(st.binary(max_size=300))
def test_any_content_is_taken(content: bytes) -> None:
    assert not has_too_many_scans(io.BytesIO(b"\xff\xd8" + content))
