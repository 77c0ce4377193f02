"""`--stack`: many fields in one file, and what the other commands make of it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from PIL import Image

import sinefit
from tests.cli.making import TINY, fail, invoke, make_picture, succeed
from tests.cli.stops import BRIEF, names, stop_at

FILE = "all.safetensors"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in/deep").mkdir(parents=True)
    for name, size in (("a", (16, 12)), ("deep/b", (15, 17)), ("c", (20, 20))):
        make_picture(tmp_path / f"in/{name}.png", size=size)
    return tmp_path


def fit(*words: str) -> tuple[str, ...]:
    return ("fit", "in", "--recursive", "--stack", FILE, *TINY, "--batch", "50", *words)


def test_one_file_is_written_told_of_and_rendered(here: Path) -> None:
    result = succeed(*fit("--json"))
    objects = [json.loads(line) for line in result.stdout.splitlines()]
    assert {one["weights"] for one in objects} == {FILE}
    assert "all.safetensors: 3 fields" in result.stderr
    assert "render all.safetensors --name a" in result.stderr
    assert sorted(names(here)) == sorted([FILE, "in/a.png", "in/c.png", "in/deep/b.png"])

    told = json.loads(succeed("info", FILE, "--json").stdout)
    stack = sinefit.load_stack(FILE)
    assert told["type"] == "stack"
    assert told["count"] == 3
    assert [one["name"] for one in told["fields"]] == [*stack]
    psnr = [field.record.psnr or 0.0 for field in stack.values()]
    assert [one["psnr"] for one in told["fields"]] == psnr
    assert (told["psnr_mean"], told["psnr_lowest"]) == (pytest.approx(sum(psnr) / 3), min(psnr))
    assert "names" in succeed("info", FILE).stdout

    succeed("render", FILE, "--name", "deep/b", "--scale", "2")
    with Image.open("deep-b-2x.png") as picture:
        assert picture.size == (30, 34)
    succeed("render", FILE, "-O", "out")
    sizes = {"a": (16, 12), "deep/b": (15, 17), "c": (20, 20)}
    for name, size in sizes.items():
        with Image.open(f"out/{name}-1x.png") as picture:
            assert picture.size == size
    assert "exists" in fail(5, "render", FILE, "-O", "out")


def test_a_stack_that_nothing_is_chosen_of(here: Path) -> None:
    succeed(*fit("-q"))
    assert "name one by --name, as a, or render all" in fail(2, "render", FILE)
    assert "no field in it is called 'x'" in fail(3, "render", FILE, "--name", "x")
    assert "load one of them by its name" in fail(3, "eval", FILE, "in/a.png")
    succeed("fit", "in/a.png", *TINY, "-q", "-o", "one.safetensors")
    assert "holds a single field" in fail(2, "render", "one.safetensors", "--name", "a")


def test_names_that_lead_elsewhere_are_not_written(here: Path) -> None:
    field = sinefit.fit("in/a.png", steps=2, width=8, depth=2)
    for name in ("../a", "/tmp/a", "a\n"):
        sinefit.save_stack({name: field}, FILE, force=True)
        assert "has no name for a file" in fail(3, "render", FILE, "-O", "out")
    assert not Path("out").exists()


def test_a_file_that_fails_is_told_and_the_others_kept(here: Path) -> None:
    Path("in/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    result = invoke(*fit())
    assert result.exit_code == 6
    assert "3 of 4 fitted; these failed:" in result.stderr
    assert len(sinefit.load_stack(FILE)) == 3
    assert "exists already" in fail(5, *fit())


def test_what_is_done_is_listed_beforehand(here: Path) -> None:
    result = succeed(*fit("--dry-run"))
    assert result.stdout.splitlines() == [
        f"in/{name}.png -> {FILE}" for name in ("a", "c", "deep/b")
    ]
    assert FILE not in names(here)


@pytest.mark.parametrize(
    "words",
    [("-o", "x.safetensors"), ("-O", "out"), ("--skip-existing",), ("--preview", "p.png")],
)
def test_options_that_exclude_each_other(here: Path, words: tuple[str, ...]) -> None:
    assert "exclude each other" in fail(2, *fit(*words))


def test_the_same_command_goes_on(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("in", "--recursive", "--stack", FILE, *BRIEF)
    succeed("fit", *words)
    whole = sinefit.load_stack(FILE)
    Path(FILE).unlink()
    result = stop_at(monkeypatch, 2, *words, number=signal.SIGTERM)
    assert result.exit_code == 143
    assert f"{FILE}: stopped; the same command goes on" in result.stderr
    assert "--resume" not in result.stderr
    assert not Path(FILE).exists()
    succeed("fit", *words)
    again = sinefit.load_stack(FILE)
    assert [*again] == [*whole]
    for name, field in again.items():
        assert field.network.values.equal(whole[name].network.values)
    assert not Path("all.parts").exists()


def test_a_stop_beside_a_fit_that_cannot_go_on_loses_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("in", "--recursive", "--stack", FILE, *BRIEF)
    # One thread fits one after the other, so that only the first has begun.
    stop_at(monkeypatch, 2, *words)
    assert "all.parts/a.ckpt.safetensors" in names(here)
    make_picture(here / "in/a.png", size=(12, 16))
    result = stop_at(monkeypatch, 2, *words)
    assert result.exit_code == 130
    assert "a.png" in result.stderr
    assert f"{FILE}: stopped; the same command goes on" in result.stderr
    assert Path("all.parts").is_dir()
    assert not Path(FILE).exists()
