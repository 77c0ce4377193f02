from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import sinefit
from sinefit.errors import InputError, OutputExistsError, SettingError

from .making import BRIEF, StopAt, make_picture, names, stop_a_fit

CHECKPOINT = "photo.ckpt.safetensors"


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder, with a picture and the checkpoint of its stopped fit."""
    monkeypatch.chdir(tmp_path)
    stop_a_fit(tmp_path)
    assert names(tmp_path) == [CHECKPOINT, "photo.png"]
    return tmp_path


def same(first: sinefit.Field, second: sinefit.Field) -> bool:
    return torch.equal(first.network.values, second.network.values)


def rewrite(**changes: Any) -> None:
    """Change what the checkpoint remembers of its job."""
    path = Path(CHECKPOINT)
    checkpoint = sinefit.decode_checkpoint(path.read_bytes(), CHECKPOINT)
    origin = {**checkpoint.origin, **changes}
    path.write_bytes(sinefit.encode_checkpoint(replace(checkpoint, origin=origin)))


def test_a_fit_goes_on_to_the_same_end(stopped: Path) -> None:
    steps = []
    result = sinefit.resume(
        Path(CHECKPOINT), threads=1, on_progress=lambda progress: steps.append(progress.step)
    )
    assert steps[0] == 150
    assert same(result.field, sinefit.fit("photo.png", **BRIEF))
    assert same(result.field, sinefit.load("photo.safetensors"))
    assert result.report.ended_by == "steps"
    assert names(stopped) == ["photo.png", "photo.safetensors"]


def test_a_fit_is_stopped_again_and_goes_on(stopped: Path) -> None:
    stop = StopAt(1)
    with pytest.raises(sinefit.FitStoppedError) as raised:
        sinefit.resume(CHECKPOINT, threads=1, on_progress=stop.look, should_stop=stop)
    assert raised.value.checkpoint.standing.step == 150
    assert names(stopped) == [CHECKPOINT, "photo.png"]
    result = sinefit.resume(CHECKPOINT, threads=1)
    assert same(result.field, sinefit.fit("photo.png", **BRIEF))


def test_a_checkpoint_that_was_moved_has_its_weights_beside_it(stopped: Path) -> None:
    Path("sub").mkdir()
    Path(CHECKPOINT).rename("sub/other.ckpt.safetensors")
    sinefit.resume("sub/other.ckpt.safetensors", threads=1)
    assert names(stopped) == ["photo.png", "sub/other.safetensors"]


def test_an_input_that_was_moved_is_named(stopped: Path) -> None:
    Path("photo.png").rename("renamed.png")
    message = f"neither beside it nor at {stopped / 'photo.png'}: name it as `source`$"
    with pytest.raises(InputError, match=message):
        sinefit.resume(CHECKPOINT)
    result = sinefit.resume(CHECKPOINT, "renamed.png", output="w.safetensors", threads=1)
    assert same(result.field, sinefit.load("w.safetensors"))


def test_another_input_is_refused(stopped: Path) -> None:
    make_picture(stopped / "x.png", phase=2.0)
    with pytest.raises(SettingError, match=r"^the checkpoint is of another input than x\.png"):
        sinefit.resume(CHECKPOINT, "x.png")
    assert names(stopped) == [CHECKPOINT, "photo.png", "x.png"]


def test_standard_input_cannot_be_had_again(stopped: Path) -> None:
    rewrite(source="-")
    with pytest.raises(SettingError, match="was made of standard input: name the same as `source`"):
        sinefit.resume(CHECKPOINT)
    assert sinefit.resume(CHECKPOINT, "photo.png", threads=1).report.record.steps == 170


def test_an_output_is_not_replaced_unasked(stopped: Path) -> None:
    Path("photo.safetensors").write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match="add `force`"):
        sinefit.resume(CHECKPOINT)
    assert Path("photo.safetensors").read_bytes() == b"mine"
    assert Path(CHECKPOINT).exists()
    sinefit.resume(CHECKPOINT, force=True, threads=1)
    assert sinefit.load("photo.safetensors").spec.shape == (12, 16)


def test_how_the_input_was_read_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "photo.png", size=(32, 24))
    selection = sinefit.Selection(region=(2, 4, 28, 20), downsample=2)
    stop = StopAt(1)
    sinefit.fit_many(
        "photo.png", selection=selection, on_progress=stop.look, should_stop=stop, **BRIEF
    )
    result = sinefit.resume(CHECKPOINT, threads=1)
    assert result.field.spec.shape == (10, 14)
    signal = sinefit.read_signal("photo.png", selection=selection)
    assert same(result.field, sinefit.fit(signal, **BRIEF))


@pytest.mark.parametrize("reading", [None, 3, {}, {"kind": None}])
def test_a_checkpoint_that_does_not_tell_its_input(stopped: Path, reading: object) -> None:
    rewrite(reading=reading)
    with pytest.raises(InputError, match=r"damaged checkpoint: it does not tell its input$"):
        sinefit.resume(CHECKPOINT)


def test_what_is_no_checkpoint(stopped: Path) -> None:
    with pytest.raises(InputError, match=r"^no does not exist"):
        sinefit.resume("no")
    sinefit.resume(CHECKPOINT, threads=1)
    with pytest.raises(InputError, match="finished weights file, no checkpoint"):
        sinefit.resume("photo.safetensors")
    with pytest.raises(SettingError, match=r"^`path` is"):
        sinefit.resume(3)  # type: ignore[arg-type]
