"""Pages of small fields, and what is seen of them."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from PIL import Image

from sinefit.signals.media.ffmpeg import FFmpeg, input_arguments, output_arguments
from sinefit.view.page import page_pieces
from tests.browser import SETTLED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.fields.field import Field
    from sinefit.view.original import Original


def make_page(
    path: Path, field: Field, name: str = "field", original: Original | None = None
) -> Path:
    path.write_bytes(b"".join(page_pieces(field, name, original)))
    return path


def soundtrack_of(waves: NDArray[np.int16], rate: int) -> bytes:
    """Return sound (frames, channels) as a video keeps it, in Matroska, unchanged."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "sound.wav"), Path(folder, "sound.mkv")
        soundfile.write(given, waves, rate, subtype="PCM_16")
        sound = [
            *input_arguments(given, "wav"),
            "-c:a",
            "copy",
            *output_arguments(made, "matroska"),
        ]
        with FFmpeg(sound) as process:
            assert process.finish()
        return made.read_bytes()


def pixels_of(page: Any) -> NDArray[np.uint8]:
    """Return what is on the screen, (height, width, 3)."""
    page.wait_for_selector(SETTLED)
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        return np.array(picture.convert("RGB"))


def in_colours(samples: NDArray[Any]) -> NDArray[np.int64]:
    """Return a picture's samples of 8 bits with three channels."""
    return np.broadcast_to(samples, (*samples.shape[:2], 3)).astype(np.int64)


FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Waits until the page has seen what has happened to it."""
FOLLOWED = f"""place => new Promise(done => {{
    addEventListener("hashchange", () => {FRAMES}.then(done), {{ once: true }});
    location.hash = place;
}})"""


def press(page: Any, *keys: str) -> None:
    """Press keys, one after the other, and wait until all is drawn."""
    for key in keys:
        page.keyboard.press(key)
        page.evaluate(FRAMES)
    page.evaluate(FRAMES)
    page.wait_for_selector(SETTLED)
    page.wait_for_timeout(450)  # the address follows the view with a delay


def go_to(page: Any, place: str) -> None:
    """Follow a link to another place in the page, and wait until it is drawn."""
    page.evaluate(FOLLOWED, place)
    page.wait_for_selector(SETTLED)


def place_of(page: Any) -> dict[str, float]:
    """Return the view that the page's address tells."""
    words = page.url.partition("#")[2].split("&")
    pairs = [word.split("=") for word in words if "=" in word]
    return {name: float(value) for name, value in pairs if name in ("x", "y", "zoom")}
