from __future__ import annotations

import os
from pathlib import Path

import pytest

from sinefit.jobs.keeping import JobPlaces
from tests.cli.making import fail, invoke, make_picture, succeed
from tests.cli.stops import BRIEF, names, stop_at

CHECKPOINT = Path("photo.ckpt.safetensors")
OUTPUT = Path("photo.safetensors")
REMOVED = "photo.ckpt.safetensors: removed, since photo.safetensors is finished"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "photo.png")
    return tmp_path


@pytest.fixture
def killed(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder where a fit was killed after its output and before it had cleaned up."""
    stop_at(monkeypatch, 2, "photo.png", *BRIEF)
    with monkeypatch.context() as patch:
        patch.setattr(JobPlaces, "remove", lambda _places: None)
        succeed("fit", "photo.png", *BRIEF)
    assert names(here) == [CHECKPOINT.name, "photo.png", OUTPUT.name]
    return here


def test_the_same_command_removes_it_and_says_what_is_there(killed: Path) -> None:
    before = OUTPUT.read_bytes()
    result = invoke("fit", "photo.png", *BRIEF)
    assert result.exit_code == 5
    said, error = result.stderr.splitlines()
    assert said == REMOVED
    assert error.startswith("sinefit: error: photo.safetensors: it exists already")
    assert names(killed) == ["photo.png", OUTPUT.name]
    assert OUTPUT.read_bytes() == before


def test_a_batch_that_leaves_out_what_is_there_removes_it(killed: Path) -> None:
    assert REMOVED not in succeed("fit", "photo.png", "--skip-existing", "--dry-run").stderr
    assert CHECKPOINT.exists()
    assert REMOVED in succeed("fit", "photo.png", "--skip-existing", *BRIEF).stderr
    assert names(killed) == ["photo.png", OUTPUT.name]


def test_starting_over_removes_it(killed: Path) -> None:
    succeed("fit", "photo.png", *BRIEF, "--force")
    assert names(killed) == ["photo.png", OUTPUT.name]


def test_a_checkpoint_that_is_asked_for_stays(killed: Path) -> None:
    assert "exists already" in fail(5, "fit", "--resume", CHECKPOINT)
    assert CHECKPOINT.exists()
    succeed("fit", "--resume", CHECKPOINT, "--force")
    assert names(killed) == ["photo.png", OUTPUT.name]


def test_one_that_is_newer_than_the_output_stays(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed("fit", "photo.png", *BRIEF)
    assert stop_at(monkeypatch, 2, "photo.png", *BRIEF, "--force").exit_code == 130
    succeed("fit", "photo.png", *BRIEF, "--skip-existing")
    assert "exists already" in fail(5, "fit", "photo.png", *BRIEF)
    assert CHECKPOINT.exists()


@pytest.mark.parametrize(
    "options", [("--seed", "1"), ("--init", "ssn"), ("--width", "8"), ("--steps", "50")]
)
def test_one_of_another_fit_stays(
    options: tuple[str, str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at(monkeypatch, 2, "photo.png", *BRIEF)
    begun = CHECKPOINT.read_bytes()
    succeed("fit", "photo.png", *BRIEF, *options, "--force")
    CHECKPOINT.write_bytes(begun)
    later = CHECKPOINT.stat().st_mtime_ns + 10**9
    os.utime(OUTPUT, ns=(later, later))
    succeed("fit", "photo.png", *BRIEF, "--skip-existing")
    assert CHECKPOINT.read_bytes() == begun


def test_what_is_no_checkpoint_stays(killed: Path) -> None:
    for other in (b"", b"something", OUTPUT.read_bytes()):
        CHECKPOINT.write_bytes(other)
        later = CHECKPOINT.stat().st_mtime_ns + 10**9
        os.utime(OUTPUT, ns=(later, later))
        succeed("fit", "photo.png", *BRIEF, "--skip-existing")
        assert CHECKPOINT.read_bytes() == other
