from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import example, given
from hypothesis import strategies as st

from sinefit.signals.audio.truncation import find_truncation

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = ("wav", "aiff", "au", "caf", "w64", "ogg")


def sound(format: str, count: int = 500) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, count)
    soundfile.write(file, noise, 8000, format=format.upper())
    return file.getvalue()


@pytest.mark.parametrize("format", FORMATS)
def test_a_whole_file_is_whole(tmp_path: Path, format: str) -> None:
    (tmp_path / "a").write_bytes(sound(format))
    assert find_truncation(tmp_path / "a", format) is None


@pytest.mark.parametrize("format", FORMATS)
@given(st.integers(1, 900))
def test_whatever_is_missing_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, format: str, missing: int
) -> None:
    path = tmp_path_factory.mktemp("sound") / "a"
    path.write_bytes(sound(format)[:-missing])
    assert find_truncation(path, format) is not None


@pytest.mark.parametrize(("format", "place"), [("au", 8), ("caf", 0)])
def test_a_length_that_was_never_filled_in_is_accepted(
    tmp_path: Path, format: str, place: int
) -> None:
    content = bytearray(sound(format))
    if format == "caf":
        place = content.index(b"data") + 4
        content[place : place + 8] = b"\xff" * 8
    else:
        content[place : place + 4] = b"\xff" * 4
    (tmp_path / "a").write_bytes(content[:-100])
    assert find_truncation(tmp_path / "a", format) is None


@pytest.mark.parametrize("format", [*FORMATS, "mp3"])
@given(st.binary(min_size=1, max_size=200))
@example(b"OggS")
def test_other_content_is_left_to_the_decoder(
    tmp_path_factory: pytest.TempPathFactory, format: str, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("sound") / "a"
    path.write_bytes(b"\x01" + content)
    assert find_truncation(path, format) is None
