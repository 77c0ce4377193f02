from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from sinefit.fields.weights_file import read_field
from tests.cli.making import TINY, fail, invoke, make_picture, make_sound, succeed
from tests.cli.stops import BRIEF, names, stop_at

if TYPE_CHECKING:
    from sinefit.fields.field import Field

TWO = ("--together", "--threads", "2")
ALIKE = (*TINY, "--batch", "50")
"""Batches that are of one size for pictures of several."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder, with three pictures of different sizes."""
    monkeypatch.chdir(tmp_path)
    for name, size in (("a", (16, 12)), ("b", (15, 17)), ("c", (20, 20))):
        make_picture(tmp_path / f"{name}.png", size=size)
    return tmp_path


PICTURES = ("a.png", "b.png", "c.png")


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def weights_of(folder: Path = Path()) -> dict[str, Field]:
    return {path.stem: read_field(path) for path in sorted(folder.glob("*.safetensors"))}


def test_the_fields_are_those_of_fits_in_a_row(here: Path) -> None:
    succeed("fit", *PICTURES, *BRIEF, "-O", "row")
    succeed("fit", *PICTURES, *BRIEF, *TWO)
    row, together = weights_of(here / "row"), weights_of()
    assert list(together) == ["a", "b", "c"]
    for name, field in together.items():
        assert field.spec == row[name].spec
        assert field.record.psnr_float == pytest.approx(row[name].record.psnr_float, abs=0.1)


def test_the_only_file_is_a_group_too(here: Path) -> None:
    result = succeed("fit", "a.png", *TINY, "--together")
    assert result.stdout == ""
    assert list(weights_of()) == ["a"]
    assert "exists" in fail(5, "fit", "a.png", *TINY, "--together")


def test_records_are_those_of_a_batch(here: Path) -> None:
    succeed("fit", *PICTURES, *BRIEF, "--log", "row.jsonl", "-O", "row")
    result = succeed("fit", *PICTURES, *BRIEF, *TWO, "--log", "log.jsonl", "--json")
    reports = {report["file"]: report for report in objects(result.stdout)}
    row, group = (objects(Path(name).read_text()) for name in ("row.jsonl", "log.jsonl"))

    def told_of(records: list[dict[str, Any]], name: str) -> list[tuple[str, list[str]]]:
        return [(one["event"], sorted(one)) for one in records if one["file"] == name]

    for name in PICTURES:
        assert told_of(group, name) == told_of(row, name)
        assert reports[name]["weights"] == Path(name).with_suffix(".safetensors").name
        assert reports[name]["steps"] == 170


def test_bad_files_do_not_stop_the_rest(here: Path) -> None:
    Path("bad.png").write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    Path("b.safetensors").write_bytes(b"mine")
    result = invoke("fit", "bad.png", *PICTURES, "missing.png", *ALIKE, *TWO, "--json")
    assert result.exit_code == 6
    exits = {report["file"]: report.get("exit", 0) for report in objects(result.stdout)}
    assert exits == {"bad.png": 3, "a.png": 0, "b.png": 5, "c.png": 0, "missing.png": 3}
    assert "sinefit: 2 of 5 fitted; these failed:" in result.stderr
    assert Path("b.safetensors").read_bytes() == b"mine"


def test_fits_that_diverge_are_told_and_kept(here: Path) -> None:
    result = invoke("fit", *PICTURES, *BRIEF, *TWO, "--lr", "1e20", "--json")
    assert result.exit_code == 6
    assert {report["exit"] for report in objects(result.stdout)} == {1}
    assert list(weights_of()) == ["a", "b", "c"]
    wild = (*BRIEF, "--lr", "1e20", "--together", "--force", "--json")
    (only,) = objects(invoke("fit", "a.png", *wild).stdout)
    assert "diverged after" in only["error"]
    assert only["ended_by"] == "divergence"


def test_signals_that_differ_are_named_before_the_work(here: Path) -> None:
    make_sound(here / "d.wav")
    make_picture(here / "grey.png", channels=1)
    message = fail(2, "fit", "a.png", "d.wav", *TINY, "--together")
    assert message.startswith("d.wav has 1 coordinates, a.png has 2")
    message = fail(2, "fit", "a.png", "grey.png", *TINY, "--together")
    assert message.startswith("grey.png has 1 channels, a.png has 3")
    message = fail(2, "fit", *PICTURES, *TINY, "--together")
    assert message.startswith("b.png has 255 samples per step, a.png has 192")
    assert not weights_of()


def test_what_is_about_one_fit_is_refused(here: Path) -> None:
    assert "--preview and --together" in fail(2, "fit", "a.png", "--together", "--preview", "p.png")
    assert "--resume and --together" in fail(2, "fit", "--together", "--resume", "a.checkpoint")


def test_nothing_is_done_in_a_dry_run(here: Path) -> None:
    result = succeed("fit", *PICTURES, "--together", "--dry-run")
    assert result.stdout.splitlines()[0] == "a.png -> a.safetensors"
    assert names(here) == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_group_goes_on_to_the_same_end(
    here: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    succeed("fit", *PICTURES, *BRIEF, "--together", "-O", "whole")
    # Whatever is done and begun by then, a report is made in the middle of a fit.
    result = stop_at(monkeypatch, 4, *PICTURES, *BRIEF, "--together", number=number)
    assert result.exit_code == 128 + number
    assert "Traceback" not in result.stderr
    begun = {path.name.partition(".")[0] for path in here.glob("*.ckpt.safetensors")}
    done = {path.stem for path in here.glob("?.safetensors")}
    assert begun
    assert not begun & done
    assert result.stderr.count("go on with: ") == len(begun)
    assert ("not begun" in result.stderr) == (len(begun | done) < 3)
    again = succeed("fit", *PICTURES, *BRIEF, "--together", "--skip-existing")
    assert again.stderr.count("going on after") == len(begun)
    assert again.stderr.count("exists, left out") == len(done)
    whole = weights_of(here / "whole")
    for name, field in whole.items():
        other = read_field(Path(f"{name}.safetensors"))
        assert torch.equal(field.network.values, other.network.values)
    assert not list(here.glob("*.ckpt*"))


def test_all_fits_can_begin_with_one_field(here: Path) -> None:
    succeed("fit", "a.png", *TINY, "-o", "start.safetensors")
    start = ("--from", "start.safetensors", "--steps", "5", "--batch", "50")
    result = succeed("fit", *PICTURES, *start, "--together")
    assert result.stderr.count("(from start.safetensors)") == 3
    assert {field.network.size.width for field in weights_of().values()} == {16}
