from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sinefit.errors import InputError, OutputError, OutputExistsError
from sinefit.files import locked
from sinefit.fitting.config import FitConfig
from sinefit.initializers.registry import parse_initializer
from sinefit.jobs.hooks import JobHooks
from sinefit.jobs.job import Job
from sinefit.jobs.places import claim_output
from sinefit.jobs.settings import JobSettings

from .making import make_picture, names

if TYPE_CHECKING:
    from sinefit.errors import SinefitError

SETTINGS = JobSettings(FitConfig(parse_initializer("siren")))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder: a picture, a text, a file "taken", a folder "folder"."""
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("neither a picture nor a sound")
    (tmp_path / "taken").write_bytes(b"mine")
    (tmp_path / "folder").mkdir()
    return tmp_path


def claim(source: str, target: str, *, makes_folder: bool = False) -> None:
    with contextlib.ExitStack() as held:
        claim_output(Job(source, target, makes_folder), SETTINGS, JobHooks(), held)


@pytest.mark.parametrize(
    ("source", "target", "error", "cause"),
    [
        ("no.png", "taken", InputError, "no.png does not exist"),
        ("folder", "taken", InputError, "folder is a folder: add `recursive`"),
        ("notes.txt", "taken", InputError, "notes.txt is text"),
        ("a.png", "taken", OutputExistsError, "add `force`"),
        ("a.png", "a.png", OutputError, "it is the input itself"),
        ("a.png", "folder", OutputError, "folder: it is a folder"),
        ("a.png", "no/w", OutputError, "its folder does not exist"),
    ],
)
def test_the_fault_of_the_input_is_told_before_that_of_the_output(
    source: str, target: str, error: type[SinefitError], cause: str, here: Path
) -> None:
    before = names(here)
    with pytest.raises(error, match=cause):
        claim(source, target)
    assert names(here) == before


def test_an_output_folder_is_made_where_it_is_wanted(here: Path) -> None:
    claim("a.png", "new/sub/w", makes_folder=True)
    assert Path("new/sub").is_dir()
    with pytest.raises(OutputError, match=r"^taken: cannot make this folder"):
        claim("a.png", "taken/w", makes_folder=True)


def test_a_claimed_output_is_locked_until_it_is_let_go(here: Path) -> None:
    job = Job("a.png", "w.safetensors")
    with contextlib.ExitStack() as held:
        assert claim_output(job, SETTINGS, JobHooks(), held) is None
        with pytest.raises(OutputError, match="another fit is writing it"), locked("w"):
            pass
    with locked("w") as is_held:
        assert is_held
