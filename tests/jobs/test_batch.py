from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

import sinefit
from sinefit.errors import InputError, OutputError, OutputExistsError, SettingError
from sinefit.fitting.words import FitSettings, config_of
from sinefit.jobs.batch import run_batch, run_in_turn
from sinefit.jobs.hooks import JobHooks
from sinefit.jobs.planning import plan_jobs
from sinefit.jobs.settings import JobSettings
from sinefit.jobs.together import run_together

from .making import BRIEF, FILES, TINY, StopAt, make_picture, names

if TYPE_CHECKING:
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.report import FitResult, Progress
    from sinefit.jobs.batch import Runner
    from sinefit.jobs.job import Job
    from sinefit.jobs.outcome import JobOutcome, Left


def test_each_file_has_its_weights_and_a_failure_does_not_stop_the_rest(here: Path) -> None:
    a, b, missing, c = sinefit.fit_many([Path("a.png"), "b.png", "missing.png", "c.png"], **TINY)
    assert names(here) == ["a.png", "a.safetensors", "b.png", "c.png", "c.safetensors"]
    assert [(one.source, one.target) for one in (a, c)] == [
        ("a.png", "a.safetensors"),
        ("c.png", "c.safetensors"),
    ]
    for done in (a, c):
        assert done.error is None
        assert done.result is not None
        kept = sinefit.load(done.target).network.values
        assert torch.equal(kept, done.result.field.network.values)
        assert torch.equal(kept, sinefit.fit(done.source, **TINY).network.values)
    for bad in (b, missing):
        assert bad.result is None
        assert isinstance(bad.error, InputError)
        assert str(bad.error).startswith(bad.source)


def test_one_name_is_one_file(here: Path) -> None:
    (only,) = sinefit.fit_many("a.png", **TINY)
    assert only.target == "a.safetensors"
    assert names(here) == ["a.png", "a.safetensors", "b.png", "c.png"]


def test_a_tree_is_made_anew_in_the_folder(here: Path) -> None:
    Path("in/x").mkdir(parents=True)
    Path("a.png").rename("in/x/a.png")
    (only,) = sinefit.fit_many(["in"], "out", recursive=True, **TINY)
    assert only.target == os.path.join("out", "x", "a.safetensors")  # noqa: PTH118
    assert names(here / "out") == ["x/a.safetensors"]


def test_what_is_there_is_kept_left_out_or_replaced(here: Path) -> None:
    Path("a.safetensors").write_bytes(b"mine")
    (kept,) = sinefit.fit_many(["a.png"], **TINY)
    assert isinstance(kept.error, OutputExistsError)
    assert "add `force`" in str(kept.error)
    left_out, done = sinefit.fit_many(["a.png", "c.png"], skip_existing=True, **TINY)
    assert (left_out.result, left_out.error) == (None, None)
    assert done.result is not None
    assert Path("a.safetensors").read_bytes() == b"mine"
    (replaced,) = sinefit.fit_many(["a.png"], force=True, **TINY)
    assert replaced.error is None
    assert sinefit.load("a.safetensors").spec.shape == (12, 16)


def test_what_cannot_be_is_told_before_the_first_fit(here: Path) -> None:
    make_picture(here / "a.bmp")
    Path("empty").mkdir()
    before = names(here)
    with pytest.raises(OutputError, match="would both be written to"):
        sinefit.fit_many(["a.png", "a.bmp"], **TINY)
    with pytest.raises(InputError, match=r"^empty: no file"):
        sinefit.fit_many("empty", recursive=True, **TINY)
    with pytest.raises(SettingError, match=r"^`width` is 0"):
        sinefit.fit_many("a.png", **{**TINY, "width": 0})
    with pytest.raises(SettingError, match=r"^`checkpoint_every` is"):
        sinefit.fit_many("a.png", checkpoint_every="soon", **TINY)  # type: ignore[arg-type]
    assert names(here) == before


def test_reports_and_outcomes_are_told_as_they_come(here: Path) -> None:
    told: list[tuple[str, object]] = []

    def report(name: str, progress: Progress) -> None:
        if progress.phase == "fitting":
            told.append((name, progress.step))

    found = sinefit.fit_many(
        FILES, on_progress=report, on_end=lambda end: told.append((end.source, end)), **BRIEF
    )
    steps = (50, 100, 150)
    a, b, c = found
    assert told == [
        *(("a.png", step) for step in steps),
        ("a.png", a),
        ("b.png", b),
        *(("c.png", step) for step in steps),
        ("c.png", c),
    ]


def test_the_best_weights_of_a_fit_that_diverges_are_kept(here: Path) -> None:
    (wild,) = sinefit.fit_many(["a.png"], learning_rate=1e20, **BRIEF)
    assert isinstance(wild.error, sinefit.FitDivergedError)
    assert wild.result is not None
    kept = sinefit.load("a.safetensors").network.values
    assert torch.equal(kept, wild.result.field.network.values)


def test_a_stop_leaves_a_checkpoint_and_begins_no_other(here: Path) -> None:
    whole = sinefit.fit("a.png", **BRIEF)
    stop = StopAt(2)
    (stopped,) = sinefit.fit_many(
        ["a.png", "c.png"], on_progress=stop.look, should_stop=stop, **BRIEF
    )
    assert isinstance(stopped.error, sinefit.FitStoppedError)
    assert stopped.result is None
    assert names(here) == ["a.ckpt.safetensors", *FILES]
    # The same call goes on with it.
    notices: list[str] = []
    a, c = sinefit.fit_many(["a.png", "c.png"], on_notice=notices.append, **BRIEF)
    assert a.result is not None
    assert torch.equal(a.result.field.network.values, whole.network.values)
    assert c.error is None
    assert notices == []
    assert names(here) == ["a.png", "a.safetensors", "b.png", "c.png", "c.safetensors"]


def test_other_settings_than_those_of_a_checkpoint_are_a_failure(here: Path) -> None:
    stop = StopAt(1)
    sinefit.fit_many("a.png", on_progress=stop.look, should_stop=stop, **BRIEF)
    (other,) = sinefit.fit_many("a.png", **{**BRIEF, "seed": 7})
    assert str(other.error).startswith("the checkpoint was made with `seed` 0, not 7")
    selection = sinefit.Selection(downsample=2)
    (other,) = sinefit.fit_many("a.png", selection=selection, **BRIEF)
    assert str(other.error).startswith("the checkpoint was made with `downsample` 1, not 2")


def test_a_field_to_begin_with(here: Path) -> None:
    sinefit.fit_many("a.png", **TINY)
    steps = {"steps": 5, "threads": 1, "device": "cpu"}
    (done,) = sinefit.fit_many("c.png", start_from="a.safetensors", **steps)  # type: ignore[arg-type]
    start = sinefit.load("a.safetensors")
    expected = sinefit.fit("c.png", start_from=start, **steps)  # type: ignore[arg-type]
    assert done.result is not None
    assert torch.equal(done.result.field.network.values, expected.network.values)


def test_the_settings_are_those_of_one_fit() -> None:
    one = inspect.signature(sinefit.fit).parameters
    names = FitSettings.__annotations__
    assert config_of(**{name: one[name].default for name in names}) == config_of()


def test_a_stop_before_the_first_file_begins_none(here: Path) -> None:
    assert sinefit.fit_many(FILES, should_stop=lambda: True, **TINY) == []
    assert names(here) == list(FILES)


class Heard(JobHooks):
    """Notes what it hears, each with the file that it is of."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def on_begin(self, job: Job) -> None:
        self.told.append((job.source, "begin"))

    def on_claimed(self, job: Job, resume: Checkpoint | None) -> None:
        assert resume is None
        self.told.append((job.source, "claimed"))

    def on_progress(self, job: Job, progress: Progress) -> None:
        self.told.append((job.source, progress.phase))

    def on_kept(self, job: Job, _outcome: FitResult | Exception, left: Left) -> None:
        assert (left.place, left.refusal) == (Path(job.target), None)
        self.told.append((job.source, "kept"))

    def on_end(self, job: Job, _outcome: JobOutcome) -> None:
        self.told.append((job.source, "end"))


@pytest.mark.parametrize("runner", [run_in_turn, run_together])
def test_hooks_hear_of_each_job_from_its_begin_to_its_end(here: Path, runner: Runner) -> None:
    heard = Heard()
    run_batch(plan_jobs(FILES), JobSettings(config_of(**BRIEF)), runner, heard)
    of = {file: [word for name, word in heard.told if name == file] for file in FILES}
    assert of["b.png"] == ["begin", "claimed", "end"]  # what follows its first bytes is no picture
    for file in ("a.png", "c.png"):
        assert of[file] == ["begin", "claimed", *["fitting"] * 3, "measuring", "kept", "end"]


@pytest.mark.parametrize("runner", [run_in_turn, run_together])
def test_a_hook_that_raises_ends_the_batch(here: Path, runner: Runner) -> None:
    class Refusing(JobHooks):
        def on_end(self, job: Job, _outcome: JobOutcome) -> None:
            raise SettingError(f"{job.source} is enough")

    with pytest.raises(SettingError, match=r"^a\.png is enough"):
        run_batch(plan_jobs(["a.png"]), JobSettings(config_of(**TINY)), runner, Refusing())
    assert "a.safetensors" in names(here)
