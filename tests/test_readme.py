"""The README: its commands run, but for the fits' budgets, and its tables held to the code."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from sinefit.api.files import write
from sinefit.cli.app import app
from sinefit.cli.failures import ExitCode
from sinefit.initializers.registry import INITIALIZERS
from sinefit.networks.family import Published
from sinefit.networks.registry import FAMILIES
from sinefit.signals.formats import FORMATS, WRITTEN
from sinefit.signals.reading import read_signal
from sinefit.signals.selection import Selection
from tests.jobs.making import stop_a_fit

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
# The last value of an option counts, so these replace the budgets of the README's fits.
TINY = "--steps 2 --width 8 --depth 2 --batch 64 --threads 1"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [re.sub(r"\s+#.*", "", line) for line in lines if line.strip()]


def shortened(command: str) -> str:
    command = re.sub(r" --(steps|max-time|target-psnr) \S+", "", command)
    tiny = re.sub(r"--(width|depth) \d+ ", "", TINY) if "--from" in command else TINY
    command = re.sub(r"(sinefit compare .*)", r"\1 --steps 2 --width 8 --seeds 1", command)
    command = re.sub(r"(sinefit solve \S.*)", r"\1 --steps 2 --points 16", command)
    return re.sub(r"(sinefit (?:fit|score|upscale) [^|>]*?)(?=\s*[|>]|$)", rf"\1 {tiny}", command)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files that the README names, made of the samples."""
    path = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "samples", path / "samples")
    with Image.open(ROOT / "samples/lake.png") as lake:
        lake.resize((128, 96)).save(path / "photo.png")
        lake.resize((64, 48)).save(path / "noisy.png")
        Image.new("L", (128, 96), 255).save(path / "mask.png")
    (path / "pictures").mkdir()
    for turn in (0, 180):
        with Image.open(ROOT / "samples/lake.png") as lake:
            lake.resize((32, 32)).rotate(turn).save(path / f"pictures/{turn}.png")
    shutil.copy(ROOT / "samples/globe.npy", path / "globe.npy")
    song = read_signal(ROOT / "samples/melody.wav", selection=Selection(duration=0.2))
    write(song, path / "song.wav")
    clip = read_signal(ROOT / "samples/clip.mp4", selection=Selection(downsample=5))
    write(clip, path / "clip.mp4")
    return path


def test_the_commands_of_the_readme_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    runner = CliRunner()
    assert len(commands()) > 15
    for command in commands():
        short = shortened(command)
        if "|" in short or ">" in short:
            # The command itself, as installed beside this Python, in a real shell.
            environment = dict(os.environ)
            environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
            subprocess.run(
                ["bash", "-o", "pipefail", "-c", short], check=True, env=environment, timeout=100
            )
            continue
        name, *arguments = shlex.split(short)
        assert name == "sinefit"
        result = runner.invoke(app, arguments)
        assert result.exit_code == 0, f"{command}\n{result.output}\n{result.exception}"
    with Image.open("configured-4x.png") as picture:  # the last fit before the first render
        assert picture.size == (512, 384)
    with Image.open("big.png") as picture:
        assert picture.size == (512, 384)
    assert read_signal("song-96000hz.wav").spec.rate == 96000
    clip = read_signal("clip-2x-60fps.mp4").spec
    assert (clip.shape, clip.rate) == ((120, 48, 64), Fraction(60))


def test_the_command_that_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stop_a_fit(tmp_path)
    (command,) = (block.strip() for block in blocks("sh resume"))
    result = CliRunner().invoke(app, shlex.split(command)[1:])
    assert result.exit_code == 0, result.output
    assert Path("photo.safetensors").exists()


def test_the_python_of_the_readme_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (code,) = blocks("python")
    values: dict[str, Any] = {}
    exec(code.replace("steps=200", "steps=2, width=8"), values)
    picture = values["picture"]
    assert np.shape(picture.samples) == (192, 256, 3)
    assert [one.error for one in values["done"]] == [None, None]


def test_set_up_is_two_commands_whose_job_is_a_sample() -> None:
    (block,) = blocks("sh setup")
    first, second = block.splitlines()
    assert "samples/lake.png" in first
    command, tests = second.rpartition(".venv/bin/python")[1:]
    assert "-m pytest" in tests
    # What continuous integration runs is what the README tells people to run.
    assert command + tests in (ROOT / ".ci/run").read_text().splitlines()


def test_the_table_of_initializers_is_that_of_the_registry() -> None:
    table = README.split("<!-- initializers")[1].split("<!-- end of initializers")[0]
    for name, scheme in INITIALIZERS.items():
        (row,) = [line for line in table.splitlines() if line.startswith(f"| `{name}` |")]
        assert scheme.formula in row
        assert scheme.advice in row


def test_the_list_of_networks_is_that_of_the_registry() -> None:
    listed = README.split("<!-- networks")[1].split("<!-- end of networks")[0].split("-->")[1]
    published = [name for name, each in FAMILIES.items() if isinstance(each, Published)]
    assert re.findall(r"`([^`]*)`", listed) == published


def test_every_exit_status_is_documented() -> None:
    paragraph = README.split("**Exit status.**")[1].split("\n\n")[0]
    assert {int(number) for number in re.findall(r"(\d+): ", paragraph)} == set(map(int, ExitCode))


def test_the_table_of_formats_is_that_of_the_code() -> None:
    """Each format is in the row of its kind, in the column of what is done with it, by its name."""
    table = README.split("<!-- formats")[1].split("<!-- end of formats")[0]
    names = {"jpeg": "JPEG", "ppm": "PPM", "aiff": "AIFF", "heic": "HEIC"}
    for kind, formats in FORMATS.items():
        (row,) = [line for line in table.splitlines() if line.startswith(f"| {kind} |")]
        _, _, written, read, *_ = row.split("|")
        for format in formats:
            column = written if format in WRITTEN[kind] else read
            assert names.get(format, format).upper() in re.findall(r"\w+", column.upper()), format
