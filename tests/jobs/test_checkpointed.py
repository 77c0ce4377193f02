from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

import sinefit
from sinefit.errors import OutputError

from .making import BRIEF, StopAt, make_picture, names

CHECKPOINT = Path("out/photo.ckpt.safetensors")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "photo.png")
    return tmp_path


def test_checkpoints_are_kept_at_the_interval_and_removed_at_the_end(here: Path) -> None:
    seen = []

    def look(*_: object) -> None:
        if CHECKPOINT.exists():
            seen.append(sinefit.decode_checkpoint(CHECKPOINT.read_bytes(), "it").standing.step)

    (done,) = sinefit.fit_many("photo.png", "out", checkpoint_every=0, on_progress=look, **BRIEF)
    assert seen
    assert seen == sorted(seen)
    assert done.error is None
    assert names(here) == ["out/photo.safetensors", "photo.png"]


def test_a_fit_that_loses_the_place_of_its_checkpoint_says_so_once(here: Path) -> None:
    notices: list[str] = []

    def take_place(*_: object) -> None:
        if CHECKPOINT.is_file():
            CHECKPOINT.unlink()
            CHECKPOINT.mkdir()

    (done,) = sinefit.fit_many(
        "photo.png",
        "out",
        checkpoint_every=0,
        on_progress=take_place,
        on_notice=notices.append,
        **BRIEF,
    )
    assert done.error is None
    (notice,) = notices
    assert notice.startswith(f"going on without a checkpoint: {CHECKPOINT}: ")


def test_weights_whose_folder_has_gone_are_kept_in_another(here: Path) -> None:
    def remove(*_: object) -> None:
        shutil.rmtree("out", ignore_errors=True)

    (lost,) = sinefit.fit_many("photo.png", "out", on_progress=remove, **BRIEF)
    assert isinstance(lost.error, OutputError)
    assert str(lost.error).endswith("; the finished weights are in photo.safetensors")
    whole = sinefit.fit("photo.png", **BRIEF)
    assert torch.equal(sinefit.load("photo.safetensors").network.values, whole.network.values)


def test_a_checkpoint_whose_folder_has_gone_is_kept_in_another(here: Path) -> None:
    stop = StopAt(2)
    notices: list[str] = []

    def remove(*_: object) -> None:
        stop.look()
        shutil.rmtree("out", ignore_errors=True)

    sinefit.fit_many(
        "photo.png",
        "out",
        on_progress=remove,
        on_notice=notices.append,
        should_stop=stop,
        **BRIEF,
    )
    assert notices[-1].endswith("; the checkpoint is in photo.ckpt.safetensors")
    sinefit.resume("photo.ckpt.safetensors", threads=1)
    assert names(here) == ["photo.png", "photo.safetensors"]


def test_one_fit_at_a_time_writes_an_output(here: Path) -> None:
    second: list[sinefit.JobOutcome] = []

    def begin_another(*_: object) -> None:
        if not second:
            second.extend(sinefit.fit_many("photo.png", "out", force=True, **BRIEF))

    (first,) = sinefit.fit_many("photo.png", "out", on_progress=begin_another, **BRIEF)
    assert first.error is None
    assert "another fit is writing it" in str(second[0].error)
    assert names(here) == ["out/photo.safetensors", "photo.png"]
