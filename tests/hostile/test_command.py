"""The command line over hostile input: one line on standard error, nothing else, exit 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from typer.testing import CliRunner

from sinefit.cli.app import app

from .boxes import with_box
from .crafting import (
    bmp,
    flac_claiming,
    gif,
    not_finite,
    npy_described,
    png,
    rf64,
    tiff,
    wav,
    webp,
    zeros,
)
from .specimens import npy, sound, specimen

if TYPE_CHECKING:
    from pathlib import Path

CONCAT = b"ffconcat version 1.0\nfile other.mp4\n"
INFINITE = np.array([0, np.inf], "<f4").tobytes()

INPUTS = {
    # Truncated.
    "cut.png": specimen("png")[:60],
    "cut.jpg": specimen("jpeg")[:-300],
    "cut.tiff": specimen("tiff")[:-100],
    "cut-16.png": specimen("png-16")[:-60],
    "cut.wav": specimen("wav")[:-1],
    "cut.flac": specimen("flac")[:-100],
    "cut.mp4": specimen("mp4")[:-100],
    "cut.mkv": specimen("mkv")[:-1000],
    "cut.gif": specimen("gif-animated")[:-1],
    "cut.npy": specimen("npy")[:-1],
    # Mislabelled: neither signals nor what their names say.
    "text.png": b"Not a picture.\n",
    "program.wav": b"\x7fELF" + bytes(60),
    "playlist.webm": b"#EXTM3U\nother.webm\n",
    "noise.npy": bytes(range(128, 256)),
    # Oversized, by what the header says.
    "huge.png": png(60_000, 60_000, zeros(1000)),
    "huge.bmp": bmp(30_000, 30_000),
    "huge.tiff": tiff((256, 4, 60_000), (257, 4, 60_000)),
    "huge.webp": webp(65_536, 65_535),
    "huge.npy": npy_described("'<f8'", "(100000, 100000)"),
    "long.flac": flac_claiming(specimen("flac"), 2**36 - 1),
    "long.wav": rf64(2**62),
    # Empty.
    **{f"empty.{ending}": b"" for ending in ("png", "wav", "mp4", "npy", "safetensors")},
    # Values that are not finite.
    "endless.npy": not_finite(float("inf")),
    "infinite.npy": not_finite(float("-inf")),
    "infinite.wav": wav(bits=32, data=INFINITE),
    # Channels that cannot be.
    "no-channels.wav": wav(channels=0),
    "odd-channels.wav": wav(channels=65_535),
    "no-channels.tiff": tiff((277, 3, 0)),
    # Zero length.
    "silent.wav": wav(data=b""),
    "silent.flac": sound("FLAC", count=0),
    "nothing.npy": npy(np.zeros((0, 4))),
    "no-pixels.png": png(0, 5),
    "no-frames.gif": gif(9, 9, 0),
    "no-tracks.mp4": with_box(specimen("mp4"), [b"moov"], b""),
    # Bombs: small files that unfold.
    "bomb.gif": gif(30_000, 30_000, 1),
    "frames.gif": gif(4_000, 4_000, 3_000),
    # Scripts that name other files.
    "script.mp4": CONCAT,
    "script.mkv": CONCAT,
    "script.gif": b"GIF89a\n" + CONCAT,
    # What cannot be numbers.
    "objects.npy": npy_described("'|O'", "(3,)"),
    "complex.npy": npy(np.zeros(3, np.complex64)),
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refuse(*arguments: str, stdin: bytes | None = None) -> str:
    """Run a command; it must end with 3 and one line, which is returned."""
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    assert result.exit_code == 3, result.stderr
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("sinefit: error: ")
    assert lines[0].isprintable()
    return lines[0]


@pytest.mark.parametrize("name", INPUTS)
def test_fit_refuses_in_one_line_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(INPUTS[name])
    assert name in refuse("fit", name, "-o", "out.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["cut.png", "script.mp4", "huge.png", "empty.png", "endless.npy"])
def test_standard_input_is_refused_in_the_same_way(name: str) -> None:
    assert "standard input" in refuse("fit", "-", "-o", "out.safetensors", stdin=INPUTS[name])


@pytest.mark.parametrize(("name", "format"), [("png", "jpeg"), ("wav", "mp3"), ("mkv", "mp4")])
def test_content_of_another_format_than_asked_for(tmp_path: Path, name: str, format: str) -> None:
    (tmp_path / "it").write_bytes(specimen(name))
    assert f"it holds {name}, not {format}" in refuse("fit", "it", "--format", format)


@pytest.mark.parametrize("format", ["mp4", "mkv", "webm", "gif"])
def test_a_script_is_not_followed_when_a_video_is_asked_for(tmp_path: Path, format: str) -> None:
    (tmp_path / "other.mp4").write_bytes(specimen("mp4"))
    (tmp_path / "script").write_bytes(CONCAT)
    refuse("fit", "script", "--format", format)


@pytest.mark.parametrize(
    ("name", "content", "option"),
    [
        ("picture.png", specimen("png"), "--max-pixels"),
        ("picture.png", specimen("png"), "--max-bytes"),
        ("sound.wav", specimen("wav"), "--max-bytes"),
        ("array.npy", specimen("npy"), "--max-bytes"),
        ("many.gif", gif(100, 100, 50), "--max-bytes"),
        ("clip.mp4", specimen("mp4"), "--max-pixels"),
        ("clip.webm", specimen("webm"), "--max-bytes"),
    ],
)
def test_limits_are_options(tmp_path: Path, name: str, content: bytes, option: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert option in refuse("fit", name, option, "100")
