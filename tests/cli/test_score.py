"""`sinefit score`: a file reduced, fitted, rendered back and held against itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.making import TINY, fail, make_array, make_sound, succeed

METHODS = {"image": ["nearest", "bicubic", "lanczos"], "audio": ["linear", "sinc"]}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    y, x = np.mgrid[:64, :96]
    shades = 128 + 60 * np.sin(x / 9) + 50 * np.cos(y / 7 + x / 20)
    Image.fromarray(np.rint(shades).astype(np.uint8)).save(folder / "waves.png")
    make_sound(folder / "tone.wav", seconds=0.25, rate=8000)
    make_array(folder / "array.npy", (40, 40))
    return folder


@pytest.mark.parametrize(("name", "kind"), [("waves.png", "image"), ("tone.wav", "audio")])
def test_the_field_stands_beside_the_usual_methods(name: str, kind: str, files: Path) -> None:
    result = succeed("score", files / name, "--reduce", "4", *TINY, "--json")
    found = json.loads(result.stdout)
    assert found["reduce"] == 4
    assert [each["method"] for each in found["scores"]] == [*METHODS[kind], "field"]
    assert all(np.isfinite(each["psnr"]) for each in found["scores"])
    table = succeed("score", files / name, *TINY).stdout
    assert all(method in table for method in [*METHODS[kind], "field"])


def test_means_of_smooth_waves_are_undone(files: Path) -> None:
    """A field fitted to areas is above Lanczos, which takes means for values at points."""
    result = succeed(
        "score",
        files / "waves.png",
        *("--reduce", "4", "--for", "upscale", "--blocks", "1", "--width", "64"),
        *("--steps", "1200", "--json"),
    )
    scores = {each["method"]: each["psnr"] for each in json.loads(result.stdout)["scores"]}
    assert scores["field"] > scores["lanczos"] + 1
    assert scores["field"] > scores["bicubic"] + 1


def test_a_sound_is_nearly_as_true_as_by_a_resampler() -> None:
    """A second of the melody, whose samples a field of some seconds meets, is interpolated."""
    melody = Path(__file__).parents[2] / "samples/melody.wav"
    part = ("--duration", "1s", "--reduce", "4", "--for", "upscale", "--steps", "1500", "--json")
    found = {
        each["method"]: each
        for each in json.loads(succeed("score", melody, *part).stdout)["scores"]
    }
    assert found["field"]["psnr"] > found["linear"]["psnr"] + 25
    assert found["field"]["psnr"] > found["sinc"]["psnr"] - 4
    assert found["field"]["above"] > found["sinc"]["above"] - 4


def test_what_cannot_be_reduced_is_refused(files: Path) -> None:
    assert "not for an array" in fail(2, "score", files / "array.npy", *TINY)
    assert "--reduce is 30" in fail(2, "score", files / "waves.png", "--reduce", "30", *TINY)
