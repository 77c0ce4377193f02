"""Many files whose fields end in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import sinefit
from sinefit.errors import (
    InputError,
    OutputError,
    OutputExistsError,
    SettingError,
)
from sinefit.fitting.report import FitStoppedError

from .making import BRIEF, TINY, StopAt, make_picture, names

FILE = "stack.safetensors"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder, with three pictures in a tree and a file that is none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in/deep").mkdir(parents=True)
    make_picture(tmp_path / "in/a.png")
    (tmp_path / "in/b.png").write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    make_picture(tmp_path / "in/c.png", phase=1.0)
    make_picture(tmp_path / "in/deep/d.e.png", phase=2.0)
    return tmp_path


def fit(**changes: Any) -> list[sinefit.JobOutcome]:
    return sinefit.fit_many("in", recursive=True, stack=FILE, **{**TINY, **changes})


def test_a_stack_holds_the_fields_of_fits_together_but_those_that_failed(here: Path) -> None:
    outcomes = fit()
    assert [one.target for one in outcomes] == [FILE] * 4
    assert [type(one.error) for one in outcomes] == [type(None), InputError, *[type(None)] * 2]
    apart = sinefit.fit_many("in", "apart", recursive=True, together=True, **TINY)
    fields = sinefit.load_stack(FILE)
    assert [*fields] == ["a", "c", "deep/d.e"]
    for field, one in zip(fields.values(), (one for one in apart if not one.error), strict=True):
        expected = sinefit.load(one.target)
        assert (field.spec, field.record) == (expected.spec, expected.record)
        assert torch.equal(field.network.values, expected.network.values)
    assert not [name for name in names(here) if name.startswith("stack.parts")]


def test_a_call_that_was_stopped_is_gone_on_with(here: Path) -> None:
    fit(**BRIEF)
    whole = sinefit.load_stack(FILE)
    Path(FILE).unlink()
    stop = StopAt(4)
    outcomes = fit(on_progress=stop.look, should_stop=stop, **BRIEF)
    assert any(isinstance(one.error, FitStoppedError) for one in outcomes)
    assert not Path(FILE).exists()
    with pytest.raises(SettingError, match=r"stack\.parts: .*other settings"):
        fit(**{**BRIEF, "seed": 1})
    fit(**BRIEF)
    again = sinefit.load_stack(FILE)
    assert again.keys() == whole.keys()
    for name, field in again.items():
        assert torch.equal(field.network.values, whole[name].network.values)


def test_an_existing_file_is_kept_or_replaced(here: Path) -> None:
    Path(FILE).write_bytes(b"mine")
    with pytest.raises(OutputExistsError):
        fit()
    assert Path(FILE).read_bytes() == b"mine"
    fit(force=True)
    assert len(sinefit.load_stack(FILE)) == 3


def test_a_folder_of_someone_else_s_is_left_alone(here: Path) -> None:
    (here / "stack.parts").mkdir()
    (here / "stack.parts/mine.txt").touch()
    with pytest.raises(OutputError, match="in the way"):
        fit(force=True)
    assert (here / "stack.parts/mine.txt").exists()


def test_what_was_begun_with_other_settings_is_replaced_by_force(here: Path) -> None:
    stop = StopAt(4)
    fit(on_progress=stop.look, should_stop=stop, **BRIEF)
    fit(force=True, seed=1)
    assert {one.record.seed for one in sinefit.load_stack(FILE).values()} == {1}


def test_no_file_is_written_where_all_failed(here: Path) -> None:
    (outcome,) = sinefit.fit_many("in/b.png", stack=FILE, **TINY)
    assert isinstance(outcome.error, InputError)
    assert [name for name in names(here) if "stack" in name] == []


def test_a_large_picture_has_one_block_in_a_stack_too(here: Path) -> None:
    make_picture(here / "large.png", size=(96, 64))
    sinefit.fit_many("large.png", stack=FILE, **TINY)
    assert sinefit.load_stack(FILE)["large"].blocks.count == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"blocks": 2}, "`blocks` has no use here"),
        ({"block_size": 8}, "`block_size` has no use here"),
        ({"folder": "out"}, "`stack` excludes `folder`"),
        ({"skip_existing": True}, "`skip_existing`"),
        ({"stack": "-"}, "`stack` is -: name a file"),
    ],
)
def test_settings_that_a_stack_cannot_have(
    here: Path, changes: dict[str, Any], message: str
) -> None:
    arguments: dict[str, Any] = {"stack": FILE, **TINY, **changes}
    with pytest.raises(SettingError, match=message):
        sinefit.fit_many("in", recursive=True, **arguments)
    assert [name for name in names(here) if not name.startswith("in/")] == []


def test_saved_fields_are_loaded_by_name(here: Path) -> None:
    fields = {"x": sinefit.fit("in/a.png", **TINY), "y": sinefit.fit("in/c.png", **TINY)}
    sinefit.save_stack(fields, FILE)
    with pytest.raises(OutputExistsError):
        sinefit.save_stack(fields, FILE)
    found = sinefit.load_stack(FILE)
    for name, field in fields.items():
        assert torch.equal(found[name].network.values, field.network.values)
    with pytest.raises(InputError, match="load one of them by its name"):
        sinefit.load(FILE)
