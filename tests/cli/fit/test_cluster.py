from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.making import TINY, fail, invoke, make_picture, succeed
from tests.cli.stops import names
from tests.cluster.workers import address_of

if TYPE_CHECKING:
    from distributed import Client


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "a.png")
    make_picture(tmp_path / "b.png", size=(12, 16))
    return tmp_path


def test_a_batch_on_workers_is_told_and_ends_as_any(workers: Client, here: Path) -> None:
    words = ["a.png", "b.png", "no.png", *TINY, "--json"]
    result = invoke("fit", *words, "-O", "out", "--cluster", address_of(workers))
    assert result.exit_code == 6, result.stderr
    told = {one["file"]: one for one in map(json.loads, result.stdout.splitlines())}
    assert told["no.png"]["exit"] == 3
    assert told["a.png"]["steps"] == 5
    lines = result.stderr.splitlines()
    assert [line for line in lines if line.startswith("out/a.safetensors: ")]
    assert lines[-2:] == [
        "sinefit: 2 of 3 fitted; these failed:",
        "sinefit:   no.png does not exist: check the name",
    ]
    assert names(here / "out") == ["a.safetensors", "b.safetensors"]
    invoke("fit", *words, "-O", "alone")
    for name in names(here / "out"):
        assert Path("out", name).read_bytes() == Path("alone", name).read_bytes()
    again = succeed(
        "fit", "a.png", *TINY, "-O", "out", "--skip-existing", "--cluster", address_of(workers)
    )
    assert "out/a.safetensors: exists, left out" in again.stderr


def test_weights_go_to_a_pipe_too(workers: Client, here: Path) -> None:
    blocks = ("--blocks", "2x2", *TINY, "-q")
    far = succeed("fit", "a.png", *blocks, "-o", "-", "--cluster", address_of(workers))
    near = succeed("fit", "a.png", *blocks, "-o", "-")
    assert far.stdout_bytes == near.stdout_bytes
    assert names(here) == ["a.png", "b.png"]


def test_what_cannot_be_is_told_before_any_worker_begins(here: Path) -> None:
    assert "--cluster is 'x': it must be local" in fail(2, "fit", "a.png", "--cluster", "x")
    for other in (("--together",), ("--stack", "s"), ("--resume", "r"), ("--preview", "p.png")):
        told = fail(2, "fit", "a.png", "--cluster", "local", *other)
        assert f"{other[0]} and --cluster exclude each other" in told
