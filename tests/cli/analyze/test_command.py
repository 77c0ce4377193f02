from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import sinefit
from tests.cli.making import TINY, fail, make_picture, succeed

SMALL = ("--width", "24", "--depth", "3", "--points", "32")


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "photo.png")
    succeed("fit", "photo.png", *TINY, "-q")
    return tmp_path / "photo.safetensors"


def test_tables_of_a_start() -> None:
    shown = succeed("analyze", "--init", "tuner", *SMALL).stdout
    for word in ("tuner, omega", "Layers of the start", "Spectra", "Tangent kernel", "The plane"):
        assert word in shown
    assert "Layers of the fitted" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_json_is_the_analysis_of_the_library() -> None:
    printed = json.loads(succeed("analyze", "--init", "lambert", *SMALL, "--json").stdout)
    analysis = sinefit.analyze("lambert", width=24, depth=3, points=32)
    assert analysis.start is not None
    assert printed["init"] == "lambert"
    np.testing.assert_allclose(
        printed["start"]["kernel"]["eigenvalues"], analysis.start.kernel.eigenvalues
    )
    assert printed["start"]["layers"][2]["std"] == analysis.start.layers[2].std


def test_before_and_after(weights: Path) -> None:
    shown = succeed("analyze", weights, "--signal", "photo.png").stdout
    assert "Layers of the start" in shown
    assert "Layers of the fitted" in shown
    assert "|dE/dW|" in shown


def test_a_signal_that_was_reduced_for_the_fit(weights: Path) -> None:
    succeed("fit", "photo.png", *TINY, "-q", "--downsample", "3", "-o", "small.safetensors")
    assert "|dE/dW|" in succeed("analyze", "small.safetensors", "--signal", "photo.png").stdout


def test_weights_from_a_pipe(weights: Path) -> None:
    named = succeed("analyze", weights, "--json").stdout
    assert succeed("analyze", "-", "--json", stdin=weights.read_bytes()).stdout == named


def test_figures(tmp_path: Path) -> None:
    words = ("analyze", *SMALL, "--figures", tmp_path / "new", "--format", "pdf", "--json")
    done = succeed(*words)
    assert "6 figures in" in done.stderr
    assert json.loads(done.stdout)["width"] == 24
    heads = [path.read_bytes()[:4] for path in (tmp_path / "new").glob("*.pdf")]
    assert heads == [b"%PDF"] * 6
    message = fail(5, *words)
    assert message.endswith("it exists already; add --force to replace it")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--axes", "9"), "--axes is 9: it must be from 1 to 8"),
        (("--width", "0"), "--width is 0: it must be at least 1"),
        (("--init", "nothing"), "--init: unknown initializer 'nothing'"),
        (("--figures", "x", "--format", "bmp"), "--format is bmp: it must be one of png, svg, pdf"),
        (("--block", "0"), "--block is for a weights file"),
        (("--omega", "x"), "--omega is 'x'"),
    ],
)
def test_what_cannot_be(words: tuple[str, ...], message: str) -> None:
    assert fail(2, "analyze", *words).startswith(message)


def test_what_cannot_be_of_a_field(weights: Path) -> None:
    assert "--init is that of the weights file" in fail(2, "analyze", weights, "--init", "siren")
    assert "--depth is that of the weights file" in fail(2, "analyze", weights, "--depth", "3")
    assert "--block is 1: the field has 1" in fail(2, "analyze", weights, "--block", "1")
    make_picture(Path("other.png"), size=(9, 9))
    assert "--signal has 9x9" in fail(2, "analyze", weights, "--signal", "other.png")
    assert "does not exist" in fail(3, "analyze", "missing.safetensors")
