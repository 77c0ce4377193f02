from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sinefit.cli.fit.planning import plan_jobs
from sinefit.cli.terminal.streams import Streams
from sinefit.errors import InputError, OutputError, SettingError
from tests.jobs.making import touch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(
    *sources: str, output: str | None = None, folder: str | None = None, recursive: bool = False
) -> list[tuple[str, str]]:
    jobs = plan_jobs(list(sources), output, folder, Streams(), recursive=recursive)
    return [(job.source, job.target) for job in jobs]


def test_one_output_has_any_name(here: Path) -> None:
    assert plan("a.png", output="w.bin") == [("a.png", "w.bin")]
    assert plan("a.png", output="-") == [("a.png", "-")]


@pytest.mark.parametrize(
    ("options", "error", "cause"),
    [
        ({"output": "w", "folder": "."}, SettingError, "--output and --output-folder exclude"),
        (
            {"folder": "file"},
            OutputError,
            "^file: it is a file; give `folder` another name$",
        ),
    ],
)
def test_options_that_cannot_be(
    options: dict[str, str], error: type[Exception], cause: str, here: Path
) -> None:
    touch("file")
    with pytest.raises(error, match=cause):
        plan("a.png", **options)  # type: ignore[arg-type]


def test_one_output_for_many_inputs(here: Path) -> None:
    with pytest.raises(SettingError, match=r"^--output names one file, the inputs are 2: "):
        plan("a.png", "b.png", output="w")


def test_standard_input_has_no_name(here: Path) -> None:
    assert plan("-", output="w") == [("-", "w")]
    with pytest.raises(SettingError, match="--output-folder"):
        plan("-", folder=".")


def test_what_is_no_ordinary_file(here: Path) -> None:
    os.mkfifo(here / "pipe")
    for source in ("pipe", os.devnull):
        with pytest.raises(SettingError, match="name a weights file with --output"):
            plan(source)
    assert plan("pipe", output="w") == [("pipe", "w")]


def test_collisions_are_cured_by_a_flag(here: Path) -> None:
    with pytest.raises(OutputError, match=r"^a\.jpg and a\.png would both .* with --output$"):
        plan("a.jpg", "a.png")


def test_weights_are_no_input(here: Path) -> None:
    touch("a.safetensors")
    with pytest.raises(InputError, match=r"^a\.safetensors .*sinefit render.*--from"):
        plan("a.safetensors", folder="out")
