from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

import sinefit

from .making import TINY, fail, make_picture, succeed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    make_picture(folder / "photo.png")
    succeed("fit", folder / "photo.png", *TINY, "-q")
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "photo.safetensors").write_bytes((made / "photo.safetensors").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_outputs_lie_beside_the_weights(here: Path) -> None:
    result = succeed("export", "photo.safetensors", "--format", "numpy")
    assert (here / "photo.py").exists()
    assert (here / "photo.npz").exists()
    assert result.stdout == ""
    assert "photo.py: " in result.stderr
    assert "exists already" in fail(5, "export", "photo.safetensors", "--format", "numpy")
    succeed("export", "--force", "-o", "photo.py")


def test_a_program_through_a_pipe_gives_the_render(here: Path) -> None:
    weights = (here / "photo.safetensors").read_bytes()
    piped = succeed("export", "-", "--format", "torch", "-o", "-", stdin=weights).stdout_bytes
    (here / "piped.pt2").write_bytes(piped)
    field = sinefit.load("photo.safetensors")
    rows, columns = np.indices(field.spec.shape) + 0.5
    positions = torch.from_numpy(np.stack([rows.ravel(), columns.ravel()], axis=1))
    values = torch.export.load("piped.pt2").module()(positions).numpy()
    samples = np.clip(np.rint(values), 0, 255).reshape(field.render().samples.shape)
    assert np.abs(samples - field.render().samples.astype(float)).max() <= 1


def test_the_library_writes_the_same(here: Path) -> None:
    succeed("export", "photo.safetensors", "-o", "photo.glsl", "-q")
    sinefit.export(sinefit.load("photo.safetensors"), "same.glsl")
    assert (here / "same.bin").read_bytes() == (here / "photo.bin").read_bytes()
    text = (here / "photo.glsl").read_text()
    assert (here / "same.glsl").read_text() == text.replace("photo.bin", "same.bin")
    with pytest.raises(sinefit.OutputExistsError):
        sinefit.export(sinefit.load("photo.safetensors"), "same.glsl")


def test_what_is_wrong_is_told(here: Path) -> None:
    assert "--format" in fail(2, "export", "photo.safetensors")
    assert "--format" in fail(2, "export", "photo.safetensors", "-o", "a.dat")
    assert "two files" in fail(5, "export", "photo.safetensors", "--format", "numpy", "-o", "-")
    fail(3, "export", "missing.safetensors", "--format", "numpy")
    assert [path.name for path in here.iterdir()] == ["photo.safetensors"]
