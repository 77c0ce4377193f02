from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sinefit
from sinefit.cluster.address import ClusterAddress
from sinefit.cluster.batches import run_on_cluster
from sinefit.fitting.words import config_of
from sinefit.jobs.batch import run_batch
from sinefit.jobs.hooks import JobHooks
from sinefit.jobs.planning import plan_jobs
from sinefit.jobs.settings import JobSettings
from tests.cluster.workers import address_of
from tests.jobs.making import TINY, StopAt, make_picture, names

if TYPE_CHECKING:
    from distributed import Client

    from sinefit.jobs.job import Job
    from sinefit.jobs.outcome import JobOutcome


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    found = [f"{number}.png" for number in range(4)]
    for number, name in enumerate(found):
        make_picture(tmp_path / name, phase=number)
    return found


def same(one: str, other: str) -> bool:
    left, right = (
        {path.name: path.read_bytes() for path in Path(folder).iterdir()} for folder in (one, other)
    )
    return left == right


def test_the_bytes_are_those_of_one_machine(workers: Client, pictures: list[str]) -> None:
    told: list[Any] = []
    sources = [*pictures, "missing.png"]
    done = sinefit.fit_many(sources, "out", cluster=address_of(workers), on_end=told.append, **TINY)
    assert [one.source for one in done] == sources
    assert [one.error is None for one in done] == [True] * 4 + [False]
    assert "missing.png does not exist" in str(done[-1].error)
    assert {id(one) for one in told} == {id(one) for one in done}
    sinefit.fit_many(pictures, "alone", **TINY)
    assert same("out", "alone")
    again = sinefit.fit_many(
        pictures, "out", cluster=address_of(workers), skip_existing=True, **TINY
    )
    assert [(one.result, one.error) for one in again] == [(None, None)] * 4


def test_a_stopped_batch_goes_on_to_the_same_bytes(workers: Client, pictures: list[str]) -> None:
    stop = StopAt(1)
    long: dict[str, Any] = {**TINY, "steps": 4000, "batch": 150}
    stopped = sinefit.fit_many(
        pictures[:1],
        "out",
        cluster=address_of(workers),
        on_progress=stop.look,
        should_stop=stop,
        **long,
    )
    assert [type(one.error) for one in stopped] == [sinefit.FitStoppedError]
    assert names(Path("out")) == ["0.ckpt.safetensors"]
    checkpoint = sinefit.decode_checkpoint(Path("out/0.ckpt.safetensors").read_bytes(), "0")
    assert 0 < checkpoint.standing.step < 4000
    assert checkpoint.origin["source"] == str(Path("0.png").absolute())
    done = sinefit.fit_many(pictures[:1], "out", cluster=address_of(workers), **long)
    assert [one.error for one in done] == [None]
    sinefit.fit_many(pictures[:1], "alone", **long)
    assert same("out", "alone")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="paths that differ by process")
def test_files_that_workers_do_not_see_are_carried(workers: Client, pictures: list[str]) -> None:
    # The workers began in another folder than this process is in.
    sources = [f"/proc/self/cwd/{name}" for name in pictures[:2]]
    done = sinefit.fit_many(sources, "/proc/self/cwd/out", cluster=address_of(workers), **TINY)
    assert [one.error for one in done] == [None, None]
    sinefit.fit_many(pictures[:2], "alone", **TINY)
    assert same("out", "alone")


class Heard(JobHooks):
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []

    def on_begin(self, job: Job) -> None:
        self.begun.append(job.source)

    def on_end(self, job: Job, outcome: JobOutcome) -> None:
        assert outcome.source == job.source
        self.ended.append(job.source)


def test_hooks_hear_of_every_file(workers: Client, pictures: list[str]) -> None:
    Path("bad.png").write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    heard = Heard()
    jobs = plan_jobs([*pictures[:1], "bad.png"], "out")
    runner = partial(run_on_cluster, address=ClusterAddress.of(address_of(workers)))
    good, bad = run_batch(jobs, JobSettings(config_of(**TINY)), runner, heard)
    assert heard.begun == ["0.png", "bad.png"]
    assert sorted(heard.ended) == ["0.png", "bad.png"]
    assert good.error is None
    assert isinstance(bad.error, sinefit.InputError)
    assert str(bad.error).startswith("bad.png")
    assert names(Path("out")) == ["0.safetensors"]
