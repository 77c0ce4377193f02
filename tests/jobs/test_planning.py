from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sinefit.errors import InputError, OutputError, SettingError
from sinefit.jobs.planning import newest_weights, plan_jobs

from .making import touch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(
    *sources: str, folder: str | None = None, recursive: bool = False
) -> list[tuple[str, str]]:
    return [(job.source, job.target) for job in plan_jobs(sources, folder, recursive=recursive)]


def targets(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [target for _, target in pairs]


def test_weights_lie_beside_their_inputs(here: Path) -> None:
    assert plan("a.png", "sub/b.wav", "no ending", "c.tar.npy") == [
        ("a.png", "a.safetensors"),
        ("sub/b.wav", "sub/b.safetensors"),
        ("no ending", "no ending.safetensors"),
        ("c.tar.npy", "c.tar.safetensors"),
    ]


@pytest.mark.parametrize("folder", [None, "out"])
def test_weights_are_no_input(here: Path, folder: str | None) -> None:
    touch("a.safetensors")
    with pytest.raises(InputError, match=r"^a\.safetensors .*render it.*`start_from`"):
        plan("a.safetensors", folder=folder)


def test_weights_in_a_folder(here: Path) -> None:
    assert targets(plan("a.png", "sub/b.wav", folder="out")) == [
        "out/a.safetensors",
        "out/b.safetensors",
    ]


def test_a_tree_is_found_and_stays_a_tree(here: Path) -> None:
    touch("in/a.png", "in/x/y/b.WAV", "in/x/c.mp4", "in/x/d.npy")
    touch("in/notes.txt", "in/a.safetensors", "in/.hidden.png", "in/.hidden/e.png")
    (here / "in" / "folder.png").mkdir()
    found = ["in/a.png", "in/x/c.mp4", "in/x/d.npy", "in/x/y/b.WAV"]
    jobs = plan_jobs(["in"], recursive=True)
    assert [(job.source, job.target) for job in jobs] == [
        (source, f"{os.path.splitext(source)[0]}.safetensors")  # noqa: PTH122
        for source in found
    ]
    assert not any(job.makes_folder for job in jobs)  # they are there
    jobs = plan_jobs(["in", "in/x/d.npy"], "out", recursive=True)
    assert [job.target for job in jobs] == [
        "out/a.safetensors",
        "out/x/c.safetensors",
        "out/x/d.safetensors",
        "out/x/y/b.safetensors",
        "out/d.safetensors",  # named itself, so without a tree to keep
    ]
    assert all(job.makes_folder for job in jobs)


def test_the_folder_one_is_in(here: Path) -> None:
    touch("a.png", "x/b.png")
    assert targets(plan(".", folder="out", recursive=True)) == [
        "out/a.safetensors",
        "out/x/b.safetensors",
    ]


def test_a_folder_without_signals(here: Path) -> None:
    touch("in/notes.txt")
    with pytest.raises(InputError, match=r"^in: no file in this folder"):
        plan("in", recursive=True)
    # Without `recursive` it is one bad input among the good ones, told when its turn comes.
    assert targets(plan("in", "a.png")) == ["in.safetensors", "a.safetensors"]


@pytest.mark.parametrize(
    ("sources", "output"),
    [
        (("a.jpg", "a.png"), "a.safetensors"),
        (("a.png", "./a.png"), "a.safetensors"),
        (("x/a.png", "x/../x/a.jpg"), "x/../x/a.safetensors"),
        # The checkpoint of the one is the output of the other.
        (("a.png", "a.ckpt.png"), "a.ckpt.safetensors"),
    ],
)
def test_collisions(sources: tuple[str, ...], output: str, here: Path) -> None:
    with pytest.raises(OutputError) as raised:
        plan(*sources, "other.png")
    message = str(raised.value)
    assert message.startswith(f"{sources[0]} and {sources[1]} would both be written to {output}")


def test_collisions_in_an_output_folder(here: Path) -> None:
    assert len(plan("x/a.png", "y/a.png")) == 2
    with pytest.raises(OutputError, match=r"^x/a\.png and y/a\.png would both"):
        plan("x/a.png", "y/a.png", folder="out")
    (here / "link.safetensors").symlink_to("a.safetensors")
    with pytest.raises(OutputError, match=r"^a\.png and link\.png would both"):
        plan("a.png", "link.png")


def test_a_name_that_cannot_be_does_not_stop_the_plan(here: Path) -> None:
    sources = ["x" * 300, "y" * 250, "missing.png"]
    assert [source for source, _ in plan(*sources, recursive=True)] == sources


@pytest.mark.parametrize("source", ["", ".", "/"])
def test_a_folder_without_a_name(source: str, here: Path) -> None:
    with pytest.raises(InputError, match="is a folder: add `recursive`"):
        plan(source)


def test_an_output_folder_that_is_a_file(here: Path) -> None:
    touch("file")
    with pytest.raises(OutputError, match=r"^file: it is a file; give `folder` another name$"):
        plan("a.png", folder="file")


def test_streams_have_no_name_for_their_weights(here: Path) -> None:
    os.mkfifo(here / "pipe")
    for source in ("pipe", os.devnull, "-"):
        with pytest.raises(SettingError, match=f"^{source} is no ordinary file: "):
            plan(source)


def named_newest(folder: Path) -> str:
    newest = newest_weights(folder)
    assert newest is not None
    return newest.name


def test_the_newest_weights(tmp_path: Path) -> None:
    for age, name in enumerate(
        ["b.safetensors", "a.safetensors", "x.png", "c.ckpt.safetensors", ".safetensors.swp"]
    ):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(0, age * 10**9))
    (tmp_path / "folder.safetensors").mkdir()
    assert named_newest(tmp_path) == "a.safetensors"
    os.utime(tmp_path / "b.safetensors", ns=(0, 10**11))
    assert named_newest(tmp_path) == "b.safetensors"


def test_files_of_one_moment_go_by_name(tmp_path: Path) -> None:
    for name in ("b.safetensors", "c.safetensors", "a.safetensors"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(0, 0))
    assert named_newest(tmp_path) == "c.safetensors"


def test_no_weights(tmp_path: Path) -> None:
    (tmp_path / "c.ckpt.safetensors").touch()
    assert newest_weights(tmp_path) is None
