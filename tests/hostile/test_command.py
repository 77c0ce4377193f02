"""The command line over hostile input: one line on standard error, nothing else, exit 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from sinefit.cli.app import app

from .crafting import flac_claiming, gif, not_finite, npy_described, png, rf64, wav, zeros
from .specimens import specimen
from .weights import weights_file

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = {
    "empty.png": b"",
    "cut.png": specimen("png")[:60],
    "script.mp4": b"ffconcat version 1.0\nfile other.mp4\n",
    "huge.png": png(60_000, 60_000, zeros(1000)),
    "long.flac": flac_claiming(specimen("flac"), 2**36 - 1),
    "long.wav": rf64(2**62),
    "no-channels.wav": wav(channels=0),
    "silent.wav": wav(data=b""),
    "nan.npy": not_finite(float("nan")),
    "huge.npy": npy_described("'<f8'", "(100000, 100000)"),
    "objects.npy": npy_described("'|O'", "(3,)"),
    "weights.safetensors": weights_file(),
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refuse(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 3, result.stderr
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("sinefit: error: ")
    return lines[0]


@pytest.mark.parametrize("name", INPUTS)
def test_fit_refuses_in_one_line_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(INPUTS[name])
    assert name in refuse("fit", name, "-o", "out.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "content",
    [
        weights_file()[:-1],
        weights_file()[:100],
        weights_file().replace(b'"width\\": 5', b'"width\\": 9'),
        weights_file().replace(b'"format_version":"1"', b'"format_version":"7"'),
        weights_file().replace(b"uint8", b"uint9"),
        b"\xff" * 8 + b"{}",
        specimen("png"),
        b"",
    ],
)
def test_a_damaged_weights_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    assert content != weights_file()
    (tmp_path / "a.safetensors").write_bytes(content)
    assert "a.safetensors" in refuse("render", "a.safetensors", "-o", "out.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize(
    ("name", "content", "option"),
    [
        ("picture.png", specimen("png"), "--max-pixels"),
        ("picture.png", specimen("png"), "--max-bytes"),
        ("sound.wav", specimen("wav"), "--max-bytes"),
        ("array.npy", specimen("npy"), "--max-bytes"),
        ("many.gif", gif(100, 100, 50), "--max-bytes"),
    ],
)
def test_limits_are_options(tmp_path: Path, name: str, content: bytes, option: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert option in refuse("fit", name, option, "100")
