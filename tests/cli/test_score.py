"""`sinefit score`: a file reduced, fitted, rendered back and held against itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.cli.making import TINY, fail, make_array, make_sound, succeed

if TYPE_CHECKING:
    from pathlib import Path

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


def test_what_cannot_be_reduced_is_refused(files: Path) -> None:
    assert "not for an array" in fail(2, "score", files / "array.npy", *TINY)
    assert "--reduce is 30" in fail(2, "score", files / "waves.png", "--reduce", "30", *TINY)
