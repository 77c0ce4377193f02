from __future__ import annotations

import os
from pathlib import Path

import pytest

import sinefit
from sinefit.jobs.job import Job
from sinefit.jobs.stale import remove_finished_checkpoint

from .making import BRIEF, names, stop_a_fit

CHECKPOINT = Path("photo.ckpt.safetensors")
OUTPUT = Path("photo.safetensors")
JOB = Job("photo.png", OUTPUT.name)


@pytest.fixture
def killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder where a fit was killed after its output and before it had cleaned up."""
    monkeypatch.chdir(tmp_path)
    stop_a_fit(tmp_path)
    begun = CHECKPOINT.read_bytes()
    sinefit.fit_many("photo.png", **BRIEF)
    CHECKPOINT.write_bytes(begun)
    at(OUTPUT, 1)
    return tmp_path


def at(path: Path, seconds: int) -> None:
    """Set when a file was written, after the checkpoint or before it."""
    moment = CHECKPOINT.stat().st_mtime_ns + seconds * 10**9
    os.utime(path, ns=(moment, moment))


def test_the_checkpoint_of_a_finished_fit_is_removed(killed: Path) -> None:
    assert remove_finished_checkpoint(JOB) == CHECKPOINT
    assert names(killed) == ["photo.png", OUTPUT.name]
    assert remove_finished_checkpoint(JOB) is None


@pytest.mark.parametrize("how", [{"skip_existing": True}, {}])
def test_many_fits_remove_it_and_say_so(how: dict[str, bool], killed: Path) -> None:
    notices: list[str] = []
    sinefit.fit_many("photo.png", on_notice=notices.append, **how, **BRIEF)  # type: ignore[arg-type]
    assert notices == [f"{CHECKPOINT}: removed, since {OUTPUT} is finished"]
    assert names(killed) == ["photo.png", OUTPUT.name]


def test_one_that_is_newer_stays(killed: Path) -> None:
    at(OUTPUT, -1)
    assert remove_finished_checkpoint(JOB) is None
    assert CHECKPOINT.exists()


@pytest.mark.parametrize("setting", [{"seed": 1}, {"init": "ssn"}, {"width": 8}, {"steps": 50}])
def test_one_of_another_fit_stays(setting: dict[str, object], killed: Path) -> None:
    CHECKPOINT.rename("kept")
    sinefit.fit_many("photo.png", force=True, **{**BRIEF, **setting})
    Path("kept").rename(CHECKPOINT)
    at(OUTPUT, 1)
    assert remove_finished_checkpoint(JOB) is None
    assert CHECKPOINT.exists()


def test_a_stream_has_none() -> None:
    assert remove_finished_checkpoint(Job("photo.png", "-")) is None
