from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sinefit.cli.terminal.events import LOG_VERSION
from sinefit.fields.weights_file import read_field
from tests.cli.making import (
    TINY,
    fail,
    invoke,
    make_picture,
    make_sound,
    succeed,
)
from tests.cli.stops import BRIEF, NETWORK, command_in, names, stop_at

if TYPE_CHECKING:
    from tests.cli.forked import Commands

DIVERGING = ("--steps", "3000", *NETWORK, "--lr", "100")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mixed(here: Path) -> Path:
    """Return a folder with a good picture, a bad one and a good sound."""
    make_picture(here / "a.png")
    (here / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    make_sound(here / "c.wav")
    return here


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_failure_does_not_stop_the_rest(mixed: Path) -> None:
    result = invoke("fit", "a.png", "b.png", "missing.png", "c.wav", *TINY)
    assert result.exit_code == 6
    assert result.stdout == ""
    assert names(mixed) == ["a.png", "a.safetensors", "b.png", "c.safetensors", "c.wav"]
    lines = result.stderr.splitlines()
    # Each is told when it happens, and once more in the end.
    assert [line for line in lines if line.startswith("sinefit: error: b.png")]
    assert lines[-3] == "sinefit: 2 of 4 fitted; these failed:"
    assert lines[-2].startswith("sinefit:   b.png")
    assert lines[-1] == "sinefit:   missing.png does not exist: check the name"
    assert "Traceback" not in result.stderr


def test_failures_are_told_even_when_quiet(mixed: Path) -> None:
    result = invoke("fit", "a.png", "b.png", *TINY, "-q")
    assert result.exit_code == 6
    error, count, failure = result.stderr.splitlines()
    assert error.startswith("sinefit: error: b.png")
    assert "1 of 2 fitted" in count
    assert "b.png" in failure


def test_a_batch_of_good_files_ends_well(mixed: Path) -> None:
    result = succeed("fit", "a.png", "c.wav", *TINY)
    assert "failed" not in result.stderr
    assert read_field(Path("a.safetensors")).spec.kind == "image"
    assert read_field(Path("c.safetensors")).spec.kind == "audio"


def test_an_object_for_every_file(mixed: Path) -> None:
    result = invoke("fit", "a.png", "b.png", "c.wav", *TINY, "--json")
    assert result.exit_code == 6
    first, bad, last = objects(result.stdout)
    assert {first["json_version"], bad["json_version"], last["json_version"]} == {1}
    assert (first["file"], first["weights"], first["steps"]) == ("a.png", "a.safetensors", 5)
    assert last["snr"] is not None
    assert "error" not in first
    assert (bad["file"], bad["exit"]) == ("b.png", 3)
    assert bad["error"] in result.stderr


def test_an_object_for_the_only_file_that_failed(mixed: Path) -> None:
    result = invoke("fit", "b.png", *TINY, "--json")
    assert result.exit_code == 3
    (bad,) = objects(result.stdout)
    assert (bad["file"], bad["exit"]) == ("b.png", 3)
    (line,) = result.stderr.splitlines()
    assert line == f"sinefit: error: {bad['error']}"


def test_a_fit_that_diverged_has_its_report_and_an_error(mixed: Path) -> None:
    result = invoke("fit", "a.png", "missing.png", *DIVERGING, "--json")
    assert result.exit_code == 6
    diverged, missing = objects(result.stdout)
    assert (diverged["exit"], missing["exit"]) == (1, 3)
    assert "diverged after" in diverged["error"]
    assert diverged["ended_by"] == "divergence"
    assert diverged["weights"] == "a.safetensors"
    assert read_field(Path("a.safetensors")).record.psnr == diverged["psnr"]


def test_json_and_the_weights_cannot_share_standard_output(mixed: Path) -> None:
    assert "both claim standard output" in fail(2, "fit", "a.png", "--json", "-o", "-")
    # Standard input's weights go to standard output unless told otherwise.
    message = fail(2, "fit", "-", "c.wav", "--json", stdin=b"x")
    assert "both claim standard output" in message
    assert names(mixed) == ["a.png", "b.png", "c.wav"]


def test_what_is_there_is_left_out(mixed: Path) -> None:
    Path("a.safetensors").write_bytes(b"old")
    result = succeed("fit", "a.png", "c.wav", *TINY, "--skip-existing", "--json")
    assert "a.safetensors: exists, left out" in result.stderr
    assert [value["file"] for value in objects(result.stdout)] == ["c.wav"]
    assert Path("a.safetensors").read_bytes() == b"old"
    result = succeed("fit", "a.png", "c.wav", *TINY, "--skip-existing", "--quiet")
    assert (result.stdout, result.stderr) == ("", "")


def test_without_it_what_is_there_is_a_failure(mixed: Path) -> None:
    Path("a.safetensors").write_bytes(b"old")
    result = invoke("fit", "a.png", "c.wav", *TINY)
    assert result.exit_code == 6
    assert "a.safetensors: it exists already; add --force" in result.stderr
    assert Path("a.safetensors").read_bytes() == b"old"
    assert Path("c.safetensors").exists()


def test_standard_output_is_never_left_out(mixed: Path) -> None:
    Path("-").write_bytes(b"a file of this name")
    result = succeed("fit", "a.png", *TINY, "--skip-existing", "-o", "-")
    assert len(result.stdout_bytes) > 1000


def test_a_dry_run_lists_and_does_nothing(mixed: Path) -> None:
    Path("c.safetensors").write_bytes(b"old")
    before = names(mixed)
    files = ("a.png", "b.png", "c.wav")
    result = succeed("fit", *files, "--dry-run", "--skip-existing", "--log", "log")
    assert result.stdout.splitlines() == ["a.png -> a.safetensors", "b.png -> b.safetensors"]
    assert names(mixed) == before
    result = succeed("fit", *files, "--dry-run", "--json")
    assert [(value["file"], value["weights"]) for value in objects(result.stdout)] == [
        (file, f"{file[0]}.safetensors") for file in files
    ]
    assert names(mixed) == before


def test_a_dry_run_finds_collisions_too(mixed: Path) -> None:
    assert "would both be written" in fail(5, "fit", "a.png", "a.jpg", "--dry-run")


def test_collisions_are_found_before_any_work(mixed: Path) -> None:
    make_picture(mixed / "a.jpg")
    before = names(mixed)
    message = fail(5, "fit", "c.wav", "a.jpg", "a.png", *TINY, "--log", "log")
    assert message.startswith("a.jpg and a.png would both be written to a.safetensors")
    assert names(mixed) == before


def test_a_tree_is_kept_below_the_output_folder(here: Path) -> None:
    (here / "in" / "x" / "y").mkdir(parents=True)
    make_picture(here / "in" / "a.png")
    make_picture(here / "in" / "x" / "y" / "b.png")
    (here / "in" / "x" / "bad.png").touch()
    result = invoke("fit", "in", "--recursive", "-O", "out", *TINY)
    assert result.exit_code == 6
    assert "in/x/bad.png" in result.stderr.splitlines()[-1]
    assert names(here / "out") == ["a.safetensors", "x/y/b.safetensors"]
    assert names(here / "in") == ["a.png", "x/bad.png", "x/y/b.png"]
    # The same command again has nothing but the bad file left to do.
    result = invoke("fit", "in", "-r", "-O", "out", *TINY, "--skip-existing", "--json")
    assert result.exit_code == 6
    assert [value["file"] for value in objects(result.stdout)] == ["in/x/bad.png"]


def test_a_folder_among_the_files_needs_recursive(mixed: Path) -> None:
    (mixed / "sub").mkdir()
    result = invoke("fit", "sub", "a.png", *TINY)
    assert result.exit_code == 6
    assert "sub is a folder: add --recursive" in result.stderr
    assert Path("a.safetensors").exists()


def test_the_log_has_a_record_per_report(mixed: Path) -> None:
    begin = datetime.now(UTC) - timedelta(milliseconds=1)
    options = (*BRIEF, "--log", "fits.jsonl")
    assert invoke("fit", "a.png", "b.png", *options).exit_code == 6
    records = objects(Path("fits.jsonl").read_text())
    assert [(record["event"], record["file"]) for record in records] == [
        ("start", "a.png"),
        *[("progress", "a.png")] * 4,  # at 50, 100 and 150 steps, and of measuring
        ("end", "a.png"),
        ("start", "b.png"),
        ("error", "b.png"),
    ]
    assert {record["log_version"] for record in records} == {LOG_VERSION}
    times = [datetime.fromisoformat(record["time"]) for record in records]
    assert times == sorted(times)
    assert begin <= times[0]
    assert times[-1] <= datetime.now(UTC)
    elapsed = [record["elapsed"] for record in records]
    assert elapsed == sorted(elapsed)
    assert elapsed[0] >= 0
    assert [record["step"] for record in records[1:5]] == [50, 100, 150, 170]
    assert [record["phase"] for record in records[1:5]] == ["fitting"] * 3 + ["measuring"]
    assert records[5]["weights"] == records[0]["weights"] == "a.safetensors"
    assert records[5]["psnr"] == read_field(Path("a.safetensors")).record.psnr
    assert records[7]["exit"] == 3
    # It goes on in the same file.
    assert fail(3, "fit", "b.png", *options) == records[7]["error"]
    again = objects(Path("fits.jsonl").read_text())
    assert again[: len(records)] == records
    assert [record["event"] for record in again[len(records) :]] == ["start", "error"]


def test_a_log_is_no_input_or_output(mixed: Path) -> None:
    before = Path("a.png").read_bytes()
    for name in ("a.png", "a.safetensors", f"../{mixed.name}/a.png"):
        message = fail(5, "fit", "a.png", *TINY, "--log", name)
        assert message.startswith(f"{name}: it is an input or an output")
    assert Path("a.png").read_bytes() == before


def test_a_log_that_cannot_be(mixed: Path) -> None:
    assert fail(5, "fit", "a.png", *TINY, "--log", "no/log").startswith("no/log: cannot write")
    assert fail(5, "fit", "a.png", *TINY, "--log", ".").startswith(".: cannot write the log")
    assert names(mixed) == ["a.png", "b.png", "c.wav"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device here")
def test_a_log_without_room(mixed: Path) -> None:
    message = fail(5, "fit", "a.png", *TINY, "--log", "/dev/full")
    assert message == "/dev/full: cannot write the log: No space left on device"


def test_a_stop_ends_the_batch(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_picture(mixed / "d.png", channels=1)
    options = (*BRIEF, "--json", "--log", "log")
    result = stop_at(monkeypatch, 6, "a.png", "c.wav", "d.png", *options)
    assert result.exit_code == 130
    assert names(mixed) == [
        *("a.png", "a.safetensors", "b.png"),
        *("c.ckpt.safetensors", "c.wav", "d.png", "log"),
    ]
    done, stopped = objects(result.stdout)
    assert (done["file"], stopped["file"], stopped["exit"]) == ("a.png", "c.wav", 130)
    assert "stopped after 100 steps" in stopped["error"]
    assert objects(Path("log").read_text())[-1]["error"] == stopped["error"]
    assert result.stderr.splitlines()[-1] == "sinefit: not begun: 1 more"
    # The rest can be had by the same command, the stopped one by its own.
    succeed(*command_in(result))
    assert succeed("fit", "a.png", "c.wav", "d.png", *BRIEF, "--skip-existing").exit_code == 0
    assert "c.ckpt.safetensors" not in names(mixed)
    assert "d.safetensors" in names(mixed)


def test_a_stop_while_one_is_finished_begins_no_other(
    mixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ("a.png", "c.wav")
    result = stop_at(monkeypatch, 4, *files, *BRIEF, number=signal.SIGTERM)
    assert result.exit_code == 143
    assert names(mixed) == ["a.png", "a.safetensors", "b.png", "c.wav"]
    assert result.stderr.splitlines()[-1] == "sinefit: stopped before c.wav"


def test_the_same_batch_again_goes_on_where_it_was_stopped(
    mixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("a.png", "c.wav", *BRIEF, "--skip-existing")
    succeed("fit", "c.wav", *BRIEF, "-o", "whole.safetensors")
    stop_at(monkeypatch, 6, *command)
    result = succeed("fit", *command)
    assert "c.wav: going on after 100 steps" in result.stderr
    assert Path("c.safetensors").read_bytes() == Path("whole.safetensors").read_bytes()


def test_names_that_are_hard_to_print(here: Path) -> None:
    for name in ("[b].png", "bad\udcff.png", "a b.png"):
        make_picture(here / name)
    sources = sorted(path.name for path in here.iterdir())
    shown = succeed("fit", "--dry-run", "--", *sources).stdout.splitlines()
    assert "bad\\xff.png -> bad\\xff.safetensors" in shown
    result = succeed("fit", *TINY, "--log", "log", "--json", "--", *sources)
    assert [value["file"] for value in objects(result.stdout)] == sources
    assert {record["file"] for record in objects(Path("log").read_text())} == set(sources)


def test_a_batch_without_standard_input(mixed: Path, forked: Commands) -> None:
    done = forked.run("fit", "a.png", "b.png", *TINY, cwd=mixed, stdin=None)
    assert done.status == 6
    assert names(mixed) == ["a.png", "a.safetensors", "b.png", "c.wav"]


def test_the_output_folder_is_made_when_there_is_something_for_it(mixed: Path) -> None:
    options = ("-O", "new/fields", *TINY)
    succeed("fit", "a.png", "c.wav", *options, "--dry-run")
    fail(3, "fit", "missing.png", *options)
    assert not Path("new").exists()
    succeed("fit", "a.png", "c.wav", *options)
    assert names(mixed / "new") == ["fields/a.safetensors", "fields/c.safetensors"]
    assert "File name too long" in fail(5, "fit", "a.png", *TINY, "-O", "x" * 300)


def test_shards_at_once_into_one_folder_fit_every_file_once(here: Path, forked: Commands) -> None:
    for number in range(5):
        make_picture(here / f"{number}.png")
    words = ["fit", *(f"{number}.png" for number in range(5)), *TINY, "-O", "out"]
    shards = [
        forked.start(*words, "--shard", f"{number}/2", "--log", "log.jsonl", cwd=here)
        for number in (1, 2)
    ]
    ended = [shard.wait() for shard in shards]
    assert [one.status for one in ended] == [0, 0], ended
    assert b"shard 1/2: 3 of 5 files" in ended[0].stderr
    assert names(here / "out") == [f"{number}.safetensors" for number in range(5)]
    events = objects(Path("log.jsonl").read_text())
    done = [one["file"] for one in events if one["event"] == "end"]
    assert sorted(done) == [f"{number}.png" for number in range(5)]


def test_a_shard_of_no_file_has_nothing_to_do(here: Path) -> None:
    make_picture(here / "a.png")
    assert "shard 3/4: 0 of 1 file" in succeed("fit", "a.png", *TINY, "--shard", "3/4").stderr
    assert names(here) == ["a.png"]
    assert "--shard is 5: it must be from 1 to 4" in fail(2, "fit", "a.png", "--shard", "5/4")
    for other in ("--stack", "--resume"):
        assert "exclude each other" in fail(2, "fit", "a.png", "--shard", "1/4", other, "x")
