"""What decoders written in C print, and formats that need to seek on a pipe that cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from sinefit.cli.app import app
from sinefit.signals.reading import read_signal

from .crafting import gif, png, tiff, zeros
from .specimens import specimen
from .test_command import refuse

if TYPE_CHECKING:
    from pathlib import Path

TINY = ("--steps", "3", "--width", "8", "--depth", "2", "--threads", "1", "-q")


def damaged(name: str, place: int, value: bytes) -> bytes:
    """A specimen with other bytes from `place` on."""
    content = bytearray(specimen(name))
    content[place : place + len(value)] = value
    return bytes(content)


def command(*arguments: str, folder: Path, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    """Exit status, standard output and standard error of the command, run as a process."""
    done = subprocess.run(
        [sys.executable, "-m", "sinefit", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


TIFFS = {
    # libtiff prints a line for each of these, or several, before it gives up.
    "strip.tiff": damaged("tiff-deflate", 12, b"\xff" * 20),
    "codes.tiff": damaged("tiff-lzw", 12, b"\xff" * 20),
    "tables.tiff": damaged("tiff-jpeg", 12, b"\xff" * 20),
    "directory.tiff": specimen("tiff-packbits")[:-60],
}
OTHERS = {
    "deep.tiff": specimen("tiff-16")[:-300],
    "deep.png": damaged("png-16", 60, bytes(40)),
    "plain.png": png(5, 5, zeros(10)),
    "scan.jpg": specimen("jpeg")[:-100],
    "chunk.webp": damaged("webp", 30, b"\xff" * 20),
    "frames.mp3": specimen("mp3")[:300] + bytes(3000),
    "page.ogg": damaged("ogg", 100, bytes(2000)),
    "clip.webm": specimen("webm")[:400] + bytes(4000),
    "clip.mp4": specimen("mp4")[:-40],
    "many.gif": gif(40_000, 40_000, 2),
}


def test_the_terminal_gets_one_line_each_the_same_in_every_run(tmp_path: Path) -> None:
    for name, content in TIFFS.items():
        (tmp_path / name).write_bytes(content)
    code, stdout, stderr = command("fit", *TIFFS, "-O", "out", folder=tmp_path)
    assert (code, stdout) == (6, b""), stderr
    lines, listed = stderr.decode().split(f"sinefit: 0 of {len(TIFFS)} fitted; these failed:\n")
    for line, name in zip(lines.splitlines(), TIFFS, strict=True):
        assert line.startswith(f"sinefit: error: {name} ")
    assert listed == lines.replace("sinefit: error: ", "sinefit:   ")
    # Another process has its memory at other addresses.
    assert command("fit", *TIFFS, "-O", "out", folder=tmp_path) == (code, stdout, stderr)


@pytest.mark.parametrize("name", TIFFS | OTHERS)
def test_nothing_is_printed_past_python(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes({**TIFFS, **OTHERS}[name])
    refuse("fit", name, "-o", "out")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content", [damaged("tiff-bilevel", 40, b"\xa5" * 6), specimen("mp3") + bytes(2000)]
)
def test_what_is_read_in_spite_of_damage_is_told_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes
) -> None:
    (notice,) = read_signal(content, name="it").notices
    assert notice.startswith("it: it may be damaged, the decoder reported: ")
    assert notice.isprintable()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["mp4", "mov", "webm", "tiff", "tiff-16"])
def test_standard_input_need_not_seek(tmp_path: Path, name: str) -> None:
    content = tiff() if name == "tiff" else specimen(name)
    if name.startswith("tiff"):
        # The directory stands behind the pixels.
        assert int.from_bytes(content[4:8], "little") >= 72
    if name in ("mp4", "mov"):
        # What tells where the frames are stands behind them.
        assert content.index(b"moov") > content.index(b"mdat")
    expected = read_signal(content).spec
    code, stdout, stderr = command("info", "-", "--json", folder=tmp_path, stdin=content)
    assert (code, stderr) == (0, b"")
    values = json.loads(stdout)
    assert values["bytes"] == len(content)
    assert values["signal"]["shape"] == list(expected.shape)
    assert values["signal"]["kind"] == expected.kind
    assert values["signal"]["soundtrack"] == (expected.soundtrack is not None)


@pytest.mark.parametrize("name", ["mp4", "webm", "tiff-16"])
def test_a_fit_of_standard_input_is_that_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    content = specimen(name)
    (tmp_path / "it").write_bytes(content)
    for source, target in (("it", "named"), ("-", "piped")):
        arguments = ["fit", source, *TINY, "-o", target]
        result = CliRunner().invoke(app, arguments, input=content if source == "-" else None)
        assert result.exit_code == 0, result.stderr
    named, piped = _tensors(tmp_path / "named"), _tensors(tmp_path / "piped")
    assert len(named) > 0
    assert named == piped


def _tensors(path: Path) -> bytes:
    """A weights file without its header, which tells the name of the source."""
    content = path.read_bytes()
    return content[8 + int.from_bytes(content[:8], "little") :]
