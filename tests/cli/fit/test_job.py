from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.fields.metadata import read_header
from sinefit.fields.weights_file import read_field
from sinefit.fitting import measured
from sinefit.fitting.checkpoint import decode_checkpoint
from tests.cli.making import TINY, fail, invoke, make_picture, succeed
from tests.cli.stops import BRIEF, NETWORK, at_report, command_in, names, stop_at

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "photo.png")
    return tmp_path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the weights of the fit that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    succeed("fit", make_picture(folder / "photo.png"), *BRIEF, "-q")
    return (folder / "photo.safetensors").read_bytes()


CHECKPOINT = Path("photo.ckpt.safetensors")


def test_a_checkpoint_is_kept_at_the_interval_and_removed_at_the_end(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []

    def look() -> None:
        checkpoint = decode_checkpoint(CHECKPOINT.read_bytes(), "checkpoint")
        steps.append(checkpoint.standing.step)
        assert not Path("photo.safetensors").exists()

    with at_report(monkeypatch, 2, look):
        succeed("fit", "photo.png", *BRIEF, "--checkpoint-every", "0")
    (step,) = steps
    assert 50 <= step < 100  # after the first report at the latest
    assert names(here) == ["photo.png", "photo.safetensors"]


def test_a_fit_shorter_than_the_interval_keeps_none(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    with at_report(monkeypatch, 3, lambda: seen.extend(names(here))):
        succeed("fit", "photo.png", *BRIEF)
    (lock,) = [name for name in seen if name != "photo.png"]
    assert lock.endswith(".lock")
    assert names(here) == ["photo.png", "photo.safetensors"]


def test_a_checkpoint_lies_beside_an_output_of_any_name(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "sub").mkdir()
    result = stop_at(monkeypatch, 1, "photo.png", *BRIEF, "-o", "sub/w.bin")
    assert names(here) == ["photo.png", "sub/w.bin.ckpt.safetensors"]
    assert succeed(*command_in(result)).exit_code == 0
    assert names(here) == ["photo.png", "sub/w.bin"]


def test_a_fit_goes_on_where_no_checkpoint_can_be_kept(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_its_place() -> None:
        CHECKPOINT.unlink()
        CHECKPOINT.mkdir()

    # Something takes its place once the fit has begun.
    with at_report(monkeypatch, 1, take_its_place):
        result = succeed("fit", "photo.png", *BRIEF, "--checkpoint-every", "0", "--quiet")
    (line,) = result.stderr.splitlines()
    assert line.startswith("sinefit: going on without a checkpoint: photo.ckpt.safetensors: ")
    assert read_header(Path("photo.safetensors").read_bytes(), "w").record.steps == 170


def test_a_stop_whose_checkpoint_has_lost_its_place_keeps_it_in_another(
    here: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_in() -> None:
        shutil.rmtree("sub")
        signal.raise_signal(signal.SIGINT)

    (here / "sub").mkdir()
    with at_report(monkeypatch, 1, break_in):
        result = invoke("fit", "photo.png", *BRIEF, "-o", "sub/w.safetensors")
    assert result.exit_code == 130
    assert "the checkpoint is in w.ckpt.safetensors" in result.stderr
    assert names(here) == ["photo.png", "w.ckpt.safetensors"]
    succeed(*command_in(result))
    assert names(here) == ["photo.png", "w.safetensors"]
    assert Path("w.safetensors").read_bytes() == whole


def test_a_result_whose_folder_has_gone_is_kept_in_another(
    here: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("-O", "sub", "--checkpoint-every", "0")
    with at_report(monkeypatch, 2, lambda: shutil.rmtree("sub")):
        message = fail(5, "fit", "photo.png", *BRIEF, *options)
    assert message.startswith("sub/photo.safetensors: its folder does not exist")
    assert message.endswith("; the finished weights are in photo.safetensors")
    assert names(here) == ["photo.png", "photo.safetensors"]
    assert Path("photo.safetensors").read_bytes() == whole


def test_a_result_is_kept_even_if_the_present_folder_has_gone(
    here: Path,
    whole: bytes,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with at_report(monkeypatch, 2, lambda: shutil.rmtree(here)):
        message = fail(5, "fit", "photo.png", *BRIEF, "--checkpoint-every", "0")
    assert message.endswith(f"; the finished weights are in {temporary}/photo.safetensors")
    assert (temporary / "photo.safetensors").read_bytes() == whole


def test_a_result_whose_name_was_taken_meanwhile_gets_another(
    here: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = Path("photo.safetensors")
    with at_report(monkeypatch, 2, lambda: output.write_bytes(b"another's")):
        message = fail(5, "fit", "photo.png", *BRIEF, "--checkpoint-every", "0")
    assert message.startswith("photo.safetensors: it exists already")
    assert message.endswith("; the finished weights are in photo-1.safetensors")
    assert output.read_bytes() == b"another's"
    assert names(here) == ["photo-1.safetensors", "photo.png", "photo.safetensors"]
    assert Path("photo-1.safetensors").read_bytes() == whole


def test_a_second_fit_to_one_output_is_told_at_once(
    here: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin_another() -> None:
        before = names(here)
        for options in ((), ("-o", "photo"), ("--force",), ("--together",)):
            message = fail(5, "fit", "photo.png", *BRIEF, *options)
            assert "another fit is writing it: wait for that one, or name another" in message
            assert names(here) == before

    with at_report(monkeypatch, 2, begin_another):
        succeed("fit", "photo.png", *BRIEF, "--checkpoint-every", "0")
    assert names(here) == ["photo.png", "photo.safetensors"]
    assert Path("photo.safetensors").read_bytes() == whole


def test_a_fit_that_cannot_be_locked_says_so_and_goes_on(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    result = succeed("fit", "photo.png", *BRIEF)
    assert "note: photo.safetensors: it cannot be locked here" in result.stderr
    assert names(here) == ["photo.png", "photo.safetensors"]


def test_a_place_without_a_checkpoint_is_found_before_the_fit(here: Path) -> None:
    CHECKPOINT.mkdir()
    assert "photo.ckpt.safetensors: it is a folder" in fail(5, "fit", "photo.png", *TINY)
    # Room for the output's name, but not for that of its checkpoint.
    assert "File name too long" in fail(5, "fit", "photo.png", *TINY, "-o", "x" * 250)
    assert names(here) == ["photo.png"]


def test_a_pipe_has_no_place_for_a_checkpoint(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = Path("photo.png").read_bytes()
    options = (*BRIEF, "-o", "-", "--checkpoint-every", "0", "-q")
    result = stop_at(monkeypatch, 2, "-", *options, stdin=content)
    assert result.exit_code == 130
    assert result.stdout_bytes == b""
    (line,) = result.stderr.splitlines()
    assert line.startswith("sinefit: stopped after 100 steps; ")
    assert names(here) == ["photo.png"]


def test_a_signal_while_reading_ends_the_command_at_once(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reading(number: signal.Signals) -> Callable[..., None]:
        return lambda *_, **__: signal.raise_signal(number)

    for number, code, word in (
        (signal.SIGINT, 130, "stopped"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGUSR1, 143, "terminated"),
    ):
        monkeypatch.setattr("sinefit.signals.reading.read_signal", reading(number))
        assert fail(code, "fit", "photo.png", *TINY) == word
    assert names(here) == ["photo.png"]


def test_the_second_ctrl_c_stops_at_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with at_report(monkeypatch, 1, twice):
        assert fail(130, "fit", "photo.png", *BRIEF) == "stopped"
    assert names(here) == ["photo.png"]


def test_a_fit_that_is_done_is_written_in_spite_of_a_signal(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The fourth report is that of measuring the finished field.
    result = stop_at(monkeypatch, 4, "photo.png", *BRIEF)
    assert result.exit_code == 0
    assert names(here) == ["photo.png", "photo.safetensors"]


def test_a_fit_that_is_done_waits_for_no_reader_after_a_signal(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo("pipe")
    result = stop_at(monkeypatch, 4, "photo.png", *BRIEF, "-o", "pipe", number=signal.SIGTERM)
    assert result.exit_code == 143
    assert names(here) == ["photo.png", "pipe"]


def test_an_old_output_stays_until_the_new_one_is_done(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("photo.safetensors").write_bytes(b"old")
    options = ("photo.png", *BRIEF, "--force")
    result = stop_at(monkeypatch, 2, *options)
    assert Path("photo.safetensors").read_bytes() == b"old"
    # The command that goes on may replace it too.
    succeed(*command_in(result))
    forced = Path("photo.safetensors").read_bytes()
    succeed("fit", "photo.png", *BRIEF, "-o", "whole.safetensors")
    assert forced == Path("whole.safetensors").read_bytes()


def test_the_command_tells_what_else_was_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = ("--device", "cpu", "--checkpoint-every", "1.5m", "--force")
    command = command_in(stop_at(monkeypatch, 1, "photo.png", *BRIEF, *more))
    assert command == [
        *("fit", "--resume", "photo.ckpt.safetensors", "--force"),
        *("--device", "cpu", "--threads", "1", "--checkpoint-every", "90s"),
    ]


def test_the_command_keeps_what_is_told_and_where(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = ["--json", "--log", "the log", "--verbose", "--progress", "plain"]
    more += ["--preview", "look.png", "--max-pixels", "9999", "--max-bytes", "99999"]
    result = stop_at(monkeypatch, 1, "photo.png", *BRIEF, *more)
    command = command_in(result)
    assert command[:5] == ["fit", "--resume", "photo.ckpt.safetensors", "--threads", "1"]
    options = ["--json", "--verbose", "--progress", "plain", "--preview", "look.png", "--log"]
    assert command[5:] == [*options, "the log", "--max-pixels", "9999", "--max-bytes", "99999"]
    assert json.loads(succeed(*command).stdout)["steps"] == 170
    events = [json.loads(line)["event"] for line in Path("the log").read_text().splitlines()]
    assert [event for event in events if event != "progress"] == ["start", "error", "start", "end"]


def test_the_command_of_a_quiet_fit_is_quiet(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = command_in(stop_at(monkeypatch, 1, "photo.png", *BRIEF, "-q"))
    assert command[-1] == "--quiet"
    assert succeed(*command).stderr == ""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize("name", ["bad\udcff [é].png", "two\nlines.png", "it's \x1b[31m.png"])
def test_the_command_can_be_pasted_whatever_the_name(
    name: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("photo.png").rename(name)
    result = stop_at(monkeypatch, 1, *BRIEF, "--", name)
    (line,) = [line for line in result.stderr.splitlines() if "go on with: " in line]
    command = line.partition("go on with: ")[2]
    assert command.isprintable()
    # The shell shows the words that it hands over.
    done = subprocess.run(
        ["bash", "-c", f"sinefit() {{ printf '%s\\0' \"$@\"; }}; {command}"],
        capture_output=True,
        check=True,
    )
    words = [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]]
    assert words[2] == name.replace(".png", ".ckpt.safetensors")
    shown = succeed(*words).stderr
    weights = here / name.replace(".png", ".safetensors")
    assert weights.exists()
    after = shown.splitlines()[-1].partition("next: ")[2]
    done = subprocess.run(
        ["bash", "-c", f"sinefit() {{ printf '%s\\0' \"$@\"; }}; {after}"],
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"render\0" + os.fsencode(weights) + b"\0"


def test_what_killed_runs_left_is_removed(here: Path) -> None:
    leftovers = [".photo.safetensors.sinefit-abcdefgh", ".photo.ckpt.safetensors.sinefit-12345678"]
    others = [".photo.safetensors.swp", ".other.safetensors.sinefit-abcdefgh"]
    for name in (*leftovers, *others):
        Path(name).write_bytes(b"half")
    succeed("fit", "photo.png", *TINY)
    assert names(here) == sorted([*others, "photo.png", "photo.safetensors"])


def test_a_fit_that_diverges_leaves_no_checkpoint(here: Path) -> None:
    options = ("--steps", "3000", *BRIEF[2:], "--lr", "100", "--checkpoint-every", "0")
    assert "diverged after" in fail(1, "fit", "photo.png", *options)
    assert names(here) == ["photo.png", "photo.safetensors"]


def test_a_folder_that_cannot_be_made(here: Path) -> None:
    (here / "in" / "sub").mkdir(parents=True)
    shutil.copy("photo.png", "in/sub/a.png")
    (here / "out").mkdir()
    (here / "out" / "sub").touch()
    message = fail(5, "fit", "in", "--recursive", "-O", "out", *TINY)
    assert message == f"{os.path.join('out', 'sub')}: cannot make this folder: File exists"  # noqa: PTH118


def test_the_size_of_the_result_is_told_with_its_share(here: Path) -> None:
    last = invoke("fit", "photo.png", *TINY).stderr.splitlines()[-1]
    share = Path("photo.safetensors").stat().st_size / Path("photo.png").stat().st_size
    assert f", {share:.0%} of the source; next: " in last


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_fit_that_is_stopped_while_it_is_measured_keeps_its_weights(
    number: signal.Signals, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = succeed("fit", "photo.png", *TINY, "-o", "whole.safetensors", "--json")
    monkeypatch.setattr(measured, "PIECE", 50)
    # So few steps make no report, so that the first is of the first piece that is measured.
    tiny = (*TINY, "--json", "--log", "log.jsonl")
    result = stop_at(monkeypatch, 1, "photo.png", *tiny, number=number)
    assert result.exit_code == 128 + number
    assert "photo.safetensors: not measured; 5 steps in " in result.stderr
    assert "stopped while measuring: the weights are finished and saved" in result.stderr
    assert not list(here.glob("*.ckpt*"))
    report = json.loads(result.stdout)
    assert report["exit"] == 128 + number
    assert (report["psnr"], report["psnr_float"], report["psnr_samples"]) == (None, None, 0)
    assert set(report) - {"error", "exit"} == set(json.loads(whole.stdout))
    assert json.loads(Path("log.jsonl").read_text().splitlines()[-1])["event"] == "error"
    mine, theirs = read_field(Path("photo.safetensors")), read_field(Path("whole.safetensors"))
    assert torch.equal(mine.network.values, theirs.network.values)
    assert mine.record.psnr is None
    assert "not measured" in succeed("info", "photo.safetensors").stdout


def test_how_long_a_fit_will_take_is_said_before_it_begins(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stop_at(monkeypatch, 1, "photo.png", *NETWORK, "--max-time", "1h")
    assert "photo.png: about 1 h 0 min, " in first.stderr
    assert " s of it measuring; expect a close likeness, above 35 dB" in first.stderr
    assert "of it measuring" not in succeed("fit", "photo.png", *TINY, "--force").stderr
