from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from .making import TINY, fail, make_array, make_picture, make_sound, succeed

if TYPE_CHECKING:
    from pathlib import Path


def scores(*arguments: object, stdin: bytes | None = None) -> dict[str, Any]:
    values = json.loads(succeed("eval", *arguments, "--json", stdin=stdin).stdout)
    assert isinstance(values, dict)
    return values


def fitted(file: Path, *options: object) -> tuple[Path, dict[str, Any]]:
    """Fit a file; return the weights and what the fit said of its quality."""
    report = json.loads(succeed("fit", file, *TINY, "--json", *options).stdout)
    return file.with_suffix(".safetensors"), report


def test_an_image_against_what_is_rendered_of_it(tmp_path: Path) -> None:
    photo = make_picture(tmp_path / "photo.png")
    weights, report = fitted(photo)
    succeed("render", weights, "-o", tmp_path / "again.png")
    with Image.open(photo) as image, Image.open(tmp_path / "again.png") as again:
        error = np.asarray(image, np.float64) - np.asarray(again, np.float64)
    expected = 10 * math.log10(255**2 / np.square(error).mean())
    values = scores(weights, photo)
    assert values["psnr"] == pytest.approx(expected, abs=1e-9)
    # The quality on record is that of the file, exactly.
    assert values["psnr"] == pytest.approx(report["psnr"], abs=1e-6)
    assert values["psnr_float"] == pytest.approx(report["psnr_float"], abs=1e-4)
    assert values["psnr_range"] == 255
    assert -1 <= values["ssim"] <= 1
    assert values.keys() == {"json_version", "psnr", "psnr_float", "psnr_range", "ssim"}


def test_a_sound_against_what_is_rendered_of_it(tmp_path: Path) -> None:
    tone = make_sound(tmp_path / "tone.wav")
    weights, report = fitted(tone)
    succeed("render", weights, "-o", tmp_path / "again.wav")
    truth, _ = soundfile.read(tone)
    again, _ = soundfile.read(tmp_path / "again.wav")
    error, power = np.square(again - truth).mean(), np.square(truth).mean()
    values = scores(weights, tone)
    assert values["snr"] == pytest.approx(10 * math.log10(power / error), abs=1e-2)
    assert values["snr"] == pytest.approx(report["snr"], abs=1e-3)
    full_range = 2 * np.abs(truth).max()
    assert values["psnr_range"] == pytest.approx(full_range)
    assert values["psnr"] == pytest.approx(10 * math.log10(full_range**2 / error), abs=1e-2)
    assert "ssim" not in values


def test_an_array_has_no_more_than_psnr(tmp_path: Path) -> None:
    weights, report = fitted(make_array(tmp_path / "a.npy"), "--domain", "sphere")
    values = scores(weights, tmp_path / "a.npy")
    assert values.keys() == {"json_version", "psnr", "psnr_float", "psnr_range"}
    assert values["psnr"] == pytest.approx(report["psnr"], abs=1e-4)


def test_the_selection_of_the_fit(tmp_path: Path) -> None:
    photo = make_picture(tmp_path / "photo.png", size=(24, 20))
    weights, report = fitted(photo, "--region", "2,4,16,12", "--downsample", 2)
    part = scores(weights, photo, "--region", "2,4,16,12", "--downsample", "2")
    assert part["psnr"] == pytest.approx(report["psnr"], abs=1e-6)
    assert scores(weights, photo)["psnr"] != pytest.approx(part["psnr"], abs=1e-3)
    weights, report = fitted(photo, "--grey", "-f")
    assert scores(weights, photo, "--grey")["psnr"] == pytest.approx(report["psnr"], abs=1e-6)
    tone = make_sound(tmp_path / "tone.wav")
    weights, report = fitted(tone, "--start", "20ms", "--duration", "0.05s")
    part = scores(weights, tone, "--start", "20ms", "--duration", "0.05s")
    assert part["snr"] == pytest.approx(report["snr"], abs=1e-3)


def test_a_gif_is_read_as_what_was_fitted(tmp_path: Path) -> None:
    frames = [Image.new("L", (16, 12), shade) for shade in (0, 128, 255)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    weights, report = fitted(tmp_path / "a.gif", "--kind", "image")
    values = scores(weights, tmp_path / "a.gif")
    assert values["psnr"] == pytest.approx(report["psnr"], abs=1e-6)


def test_pipes(tmp_path: Path) -> None:
    photo = make_picture(tmp_path / "photo.png")
    weights, _ = fitted(photo)
    expected = scores(weights, photo)
    assert scores(weights, "-", stdin=photo.read_bytes()) == expected
    assert scores("-", photo, stdin=weights.read_bytes()) == expected
    assert "both claim standard input" in fail(2, "eval", "-", "-")


def test_the_text_has_units(tmp_path: Path) -> None:
    photo = make_picture(tmp_path / "photo.png")
    weights, report = fitted(photo)
    lines = succeed("eval", weights, photo).stdout.splitlines()
    assert lines[0].split() == ["psnr", f"{report['psnr']:.4f}", "dB"]
    assert [line.split()[0] for line in lines] == ["psnr", "psnr_float", "psnr_range", "ssim"]


def test_values_near_the_ends_of_float64_are_scored_as_any_others(tmp_path: Path) -> None:
    plain, huge = np.sin(np.arange(60.0)).reshape(6, 10), tmp_path / "huge.npy"
    np.save(huge, plain * 2.0**990)
    np.save(tmp_path / "plain.npy", plain)
    weights, report = fitted(huge)
    expected, _ = fitted(tmp_path / "plain.npy")
    found, known = scores(weights, huge), scores(expected, tmp_path / "plain.npy")
    assert found.pop("psnr_range") == known.pop("psnr_range") * 2.0**990
    assert found == pytest.approx(known)
    assert found["psnr"] == pytest.approx(report["psnr"])
    assert len(succeed("eval", weights, huge).stdout) < 200  # no number of 300 digits


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    photo = make_picture(tmp_path / "photo.png")
    grey = make_picture(tmp_path / "grey.png", channels=1)
    tone = make_sound(tmp_path / "tone.wav")
    weights, _ = fitted(photo)
    for other in (grey, tone):
        assert "compare it with a signal of the same kind" in fail(2, "eval", weights, other)
    assert "does not exist" in fail(3, "eval", weights, tmp_path / "missing.png")
    assert "photo.png" in fail(3, "eval", photo, photo)
    assert "missing" in fail(3, "eval", tmp_path / "missing.safetensors", photo)
    assert "--device" in fail(2, "eval", weights, photo, "--device", "abacus")
    assert "--region" in fail(2, "eval", weights, photo, "--region", "1,2")
    assert "--start" in fail(2, "eval", weights, photo, "--start", "soon")
