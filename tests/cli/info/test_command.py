from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors import safe_open

from sinefit.fields.weights_file import encode_field, read_field
from sinefit.version import __version__
from tests.cli.making import TINY, fail, invoke, make_array, make_picture, make_sound, succeed
from tests.fields.making import field_of_blocks

if TYPE_CHECKING:
    from pathlib import Path


def described(*arguments: object, stdin: bytes | None = None) -> dict[str, Any]:
    result = succeed("info", *arguments, "--json", stdin=stdin)
    assert result.stderr == ""
    values = json.loads(result.stdout)
    assert values.pop("json_version") == 1
    assert isinstance(values, dict)
    return values


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("info")
    make_picture(folder / "photo.png", channels=4)
    succeed("fit", folder / "photo.png", *TINY, "--seed", 7, "--dtype", "float16", "-q")
    return folder / "photo.safetensors"


def test_a_weights_file(weights: Path) -> None:
    values = described(weights)
    photo = weights.with_suffix(".png")
    total, source = weights.stat().st_size, photo.stat().st_size
    with safe_open(str(weights), framework="np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert values["type"] == "weights"
    assert (values["bytes"], values["source_bytes"]) == (total, source)
    assert values["share_of_source"] == pytest.approx(total / source)
    assert values["bits_per_sample"] == pytest.approx(8 * total / (16 * 12))
    assert values["parameters"] == sum(tensor.size for tensor in tensors.values())
    assert {str(tensor.dtype) for tensor in tensors.values()} == {values["storage"]} == {"float16"}
    assert values["tool_version"] == __version__
    assert values["weights_per_value"] == pytest.approx(values["parameters"] / (16 * 12 * 4))
    assert values["blocks"] == {
        "count": 1,
        "counts": [1, 1],
        "cell": [12, 16],
        "margins": [0, 0],
        "ensemble": 1,
    }
    network = values["network"]
    assert network.pop("family") == "sine"
    assert network == {"in_features": 2, "width": 16, "depth": 2, "out_features": 4}
    assert values["fit"]["seed"] == 7
    assert values["fit"]["steps"] == 5
    signal = values["signal"]
    assert (signal["kind"], signal["shape"], signal["channels"]) == ("image", [12, 16], 4)
    assert (signal["format"], signal["bit_depth"], signal["alpha"]) == ("png", 8, True)
    assert (signal["source"], signal["rate"]) == ("photo.png", None)


def test_the_text_says_the_same(weights: Path) -> None:
    shown = succeed("info", weights).stdout
    lines = dict(line.split(maxsplit=1) for line in shown.splitlines())
    values = described(weights)
    assert lines["type"] == "weights"
    assert lines["signal.shape"] == "12, 16"
    assert lines["network.width"] == "16"
    assert lines["fit.initializer"] == values["fit"]["initializer"]
    assert float(lines["bits_per_sample"]) == pytest.approx(values["bits_per_sample"], rel=1e-5)
    assert float(lines["fit.psnr"]) == pytest.approx(values["fit"]["psnr"], rel=1e-5)
    assert "signal.rate" not in lines  # what is not there is left out
    starts = {line.index(line.split(maxsplit=1)[1]) for line in shown.splitlines()}
    assert len(starts) == 1  # one column of values


def test_a_field_of_blocks(tmp_path: Path) -> None:
    field = field_of_blocks(ensemble=2)
    path = tmp_path / "blocks.safetensors"
    path.write_bytes(encode_field(field))
    values = described(path)
    placed = {"counts": [3, 4], "cell": [10, 10], "margins": [2, 3], "ensemble": 2}
    assert values["blocks"] == {"count": 24, **placed}
    weights = 24 * ((2 * 5 + 5) + (5 * 5 + 5) + (5 * 3 + 3))
    assert values["parameters"] == weights
    assert values["weights_per_value"] == pytest.approx(weights / (30 * 40 * 3))
    assert values["bytes"] == path.stat().st_size
    shown = succeed("info", path).stdout
    lines = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert (lines["blocks.counts"], lines["blocks.margins"]) == ("3, 4", "2, 3")
    piped = described("-", stdin=path.read_bytes())
    assert {**piped, "file": str(path)} == values
    told = succeed("render", path, "-v", "-o", tmp_path / "x.png").stderr
    laid = "4x3 blocks of 10x10 samples, margins 3x2, on each the mean of 2: a network 2-5-5-3"
    assert f"{laid}, 63 weights" in told


def test_from_a_pipe(weights: Path) -> None:
    values = described("-", stdin=weights.read_bytes())
    assert values.pop("file") == "standard input"
    assert values == {key: value for key, value in described(weights).items() if key != "file"}


@pytest.mark.parametrize("piped", [False, True])
def test_a_signal(piped: bool, tmp_path: Path) -> None:
    sound = make_sound(tmp_path / "a.wav", seconds=0.25, rate=8000)
    values = described("-", stdin=sound.read_bytes()) if piped else described(sound)
    assert values["type"] == "signal"
    assert values["bytes"] == sound.stat().st_size
    signal = values["signal"]
    assert (signal["kind"], signal["shape"], signal["rate"]) == ("audio", [2000], "8000")
    assert signal["encoding"] == "PCM_16"


def test_a_signal_with_a_profile_and_notices(tmp_path: Path) -> None:
    from PIL import Image, ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    values = described(make_picture(tmp_path / "a.png", icc_profile=profile))
    assert values["signal"]["icc_profile"] is True
    pixels = np.zeros((4, 5, 4), np.uint8)
    Image.fromarray(pixels, "CMYK").save(tmp_path / "b.jpg")
    values = described(tmp_path / "b.jpg")
    assert values["signal"]["icc_profile"] is False
    assert any("CMYK" in notice for notice in values["notices"])


def test_an_array(tmp_path: Path) -> None:
    signal = described(make_array(tmp_path / "a.npy", (9, 12)))["signal"]
    assert (signal["kind"], signal["shape"]) == ("array", [9, 12])
    assert (signal["low"], signal["high"]) == (0.0, 107.0)


@pytest.mark.parametrize("name", ["[bold].png", "bad\udcff.png"])
def test_any_name(name: str, tmp_path: Path) -> None:
    make_picture(tmp_path / "plain.png").rename(tmp_path / name)
    assert described(tmp_path / name)["signal"]["source"] == name
    shown = succeed("info", tmp_path / name).stdout
    assert name.replace("\udcff", "\\xff") in shown


def test_what_cannot_be_read(tmp_path: Path, weights: Path) -> None:
    assert "does not exist" in fail(3, "info", tmp_path / "missing.png")
    assert "folder" in fail(3, "info", tmp_path)
    assert "too long" in fail(3, "info", tmp_path / ("a" * 300))
    (tmp_path / "garbage").write_bytes(b"\x01\x02" * 100)
    assert "garbage" in fail(3, "info", tmp_path / "garbage")
    (tmp_path / "cut.safetensors").write_bytes(weights.read_bytes()[:500])
    assert "damaged" in fail(3, "info", tmp_path / "cut.safetensors")
    assert "empty" in fail(3, "info", "-", stdin=b"")
    assert invoke("info").exit_code == 2


@pytest.mark.parametrize(
    ("samples", "psnr", "words"),
    [
        (192, 30.0, "measured on all 192 samples"),
        (50, 30.0, "estimated from 50 of 192 samples"),
        (0, None, "not measured"),
    ],
)
def test_what_the_psnr_rests_on(
    samples: int, psnr: float | None, words: str, weights: Path, tmp_path: Path
) -> None:
    field = read_field(weights)
    changes: dict[str, Any] = {"psnr": psnr, "psnr_float": psnr, "psnr_samples": samples}
    record = dataclasses.replace(field.record, **changes)
    weights = tmp_path / "photo.safetensors"
    weights.write_bytes(encode_field(dataclasses.replace(field, record=record)))
    lines = dict(line.split(maxsplit=1) for line in succeed("info", weights).stdout.splitlines())
    assert lines["fit.psnr_samples"] == words
    assert lines.get("fit.psnr") == (None if psnr is None else f"{psnr:g}")
    assert described(weights)["fit"]["psnr_samples"] == samples
    # Such a file is as good as any other.
    assert succeed("render", weights, "-v", "-o", tmp_path / "x.png").stderr
