from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sinefit.signals.video.animation_frames import find_gif_truncation, is_animated_gif

if TYPE_CHECKING:
    from pathlib import Path


def encode(size: int, frames: int, seed: int) -> bytes:
    """A GIF by an independent encoder."""
    rng = np.random.default_rng(seed)
    pictures = [
        Image.fromarray(rng.integers(0, 256, (size, size), dtype=np.uint8)).convert("P")
        for _ in range(frames)
    ]
    buffer = BytesIO()
    pictures[0].save(
        buffer, "GIF", save_all=True, append_images=pictures[1:], duration=40, comment=b"x" * 300
    )
    return buffer.getvalue()


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 4), st.integers(0, 9), st.floats(0, 1, exclude_max=True))
def test_every_cut_is_found_and_no_complete_file_is(
    tmp_path_factory: pytest.TempPathFactory, size: int, frames: int, seed: int, kept: float
) -> None:
    content = encode(size, frames, seed)
    path = tmp_path_factory.mktemp("gif") / "a.gif"
    path.write_bytes(content)
    assert find_gif_truncation(path) is None
    cut = max(6, int(kept * len(content)))
    path.write_bytes(content[:cut])
    assert find_gif_truncation(path) is not None


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 20])
def test_more_than_one_frame_is_an_animation(frames: int, size: int) -> None:
    assert is_animated_gif(BytesIO(encode(size, frames, seed=1))) == (frames > 1)


@given(st.integers(0, 200))
def test_a_cut_gif_never_has_more_frames(kept: int) -> None:
    assert not is_animated_gif(BytesIO(encode(20, 2, seed=1)[:kept]))


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_rubbish_never_raises(tmp_path_factory: pytest.TempPathFactory, rubbish: bytes) -> None:
    path = tmp_path_factory.mktemp("gif") / "a.gif"
    path.write_bytes(b"GIF89a" + rubbish)
    assert is_animated_gif(BytesIO(b"GIF89a" + rubbish)) in (True, False)
    assert find_gif_truncation(path) in (
        None,
        "its header is incomplete",
        "its trailer is missing",
    )


@pytest.mark.parametrize("content", [b"", b"GIF", b"not a GIF at all"])
def test_what_is_no_gif_is_left_to_the_decoder(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(content)
    assert find_gif_truncation(path) is None
