"""The command as a process: pipes, terminals, signals. Each costs an import of torch: be brief."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sinefit.fields.weights_file import read_field
from sinefit.signals.reading import read_signal

from .making import (
    COMMAND,
    ENVIRONMENT,
    TINY,
    make_picture,
    run,
    run_on_terminal,
    succeed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .forked import Commands

SINEFIT = shlex.join(COMMAND)


@pytest.fixture
def sinefit(forked: Commands) -> str:
    """Return what stands for the command in a shell, and need not import torch."""
    return shlex.join(forked.words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a photo and its weights; tests leave nothing else in it."""
    path = tmp_path_factory.mktemp("pipelines")
    make_picture(path / "photo.png", channels=4)
    succeed("fit", path / "photo.png", *TINY, "-q")
    return path


@pytest.fixture(autouse=True)
def _nothing_is_left(folder: Path) -> Iterator[None]:
    """Check after every test that no output and no temporary file is there."""
    yield
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["photo.png", "photo.safetensors"]


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {script}"],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=100,
        check=False,
    )


def test_from_a_photo_to_a_larger_one_without_a_file(folder: Path) -> None:
    fit = f"{SINEFIT} fit - -o - {shlex.join(TINY)}"
    done = shell(f"cat photo.png | {fit} | {SINEFIT} render --scale 4 -o -", folder)
    assert done.returncode == 0
    signal = read_signal(done.stdout)
    assert (signal.spec.shape, signal.spec.alpha) == ((48, 64), True)
    # Standard error is a pipe: words, but neither colours nor a moving bar.
    assert b"dB PSNR as saved" in done.stderr
    assert b"\x1b" not in done.stderr
    assert b"\r" not in done.stderr


def test_weights_that_are_piped_in_come_before_those_of_the_folder(folder: Path) -> None:
    weights = folder / "photo.safetensors"
    done = run("render", "--format", "npy", cwd=folder, input=weights.read_bytes())
    assert done.returncode == 0
    assert b"newest" not in done.stderr
    assert done.stdout.startswith(b"\x93NUMPY")


def test_no_input_means_the_newest_weights(folder: Path, tmp_path: Path, forked: Commands) -> None:
    (tmp_path / "other.safetensors").symlink_to(folder / "photo.safetensors")
    done = forked.run("render", "-o", "x.png", cwd=tmp_path)  # its input is the null device
    assert done.status == 0
    assert b"rendering other.safetensors, the newest weights file here" in done.stderr
    # Standard output has no name that would tell which file it was.
    done = forked.run("render", "-o", "-", cwd=tmp_path)
    assert (done.status, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"sinefit: error: --output is -: name WEIGHTS too")


@pytest.mark.parametrize(
    "second", ["render -o -", "render -o x.png", "render", "info -", "eval - photo.png"]
)
def test_a_stage_that_failed_is_not_taken_for_no_input(
    second: str, folder: Path, tmp_path: Path, sinefit: str
) -> None:
    for name in ("photo.png", "photo.safetensors"):
        (tmp_path / name).symlink_to(folder / name)
    done = shell(f"false | {sinefit} {second}", tmp_path)
    assert (done.returncode, done.stdout) == (3, b"")
    (line,) = done.stderr.splitlines()
    assert line.startswith(b"sinefit: error: standard input: it is empty: the command before the")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.png", "photo.safetensors"]


def test_a_reader_that_leaves_early(folder: Path, sinefit: str) -> None:
    # An array of this size is not compressed and larger than any pipe's buffer.
    render = f"{sinefit} render photo.safetensors --scale 40 --format npy -o -"
    done = shell(f"{render} | head -c1; exit ${{PIPESTATUS[0]}}", folder)
    assert done.returncode == 141
    assert done.stdout == b"\x93"
    assert b"Traceback" not in done.stderr
    assert b"Error" not in done.stderr


@pytest.mark.parametrize("arguments", ["--help", "--version", "inits", "info photo.png --json"])
def test_a_reader_that_has_left(arguments: str, folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = run(*arguments.split(), cwd=folder, stdout=writing)
    os.close(writing)
    assert done.returncode == 141
    assert done.stderr == b""


def test_standard_output_by_its_device_keeps_what_is_there(
    folder: Path, tmp_path: Path, sinefit: str
) -> None:
    target = shlex.quote(str(tmp_path / "out"))
    render = f"{sinefit} render photo.safetensors -q -o /dev/stdout"
    done = shell(f"(printf before; {render}) > {target}", folder)
    assert done.returncode == 0
    assert (tmp_path / "out").read_bytes().startswith(b"before\x89PNG")


def test_closed_standard_streams(folder: Path) -> None:
    done = shell(f"{SINEFIT} fit photo.png -o - >&- <&-", folder)
    assert done.returncode == 5
    assert done.stderr == (b"sinefit: error: standard output is closed; name a file\n")


def test_a_terminal_gets_no_bytes(folder: Path, forked: Commands) -> None:
    words = ("render", "photo.safetensors", "-o", "-")
    status, shown = run_on_terminal(*words, cwd=folder, command=forked.words)
    assert status == 2
    assert b"standard output is a terminal" in shown
    assert b"PNG" not in shown
    status, shown = run_on_terminal("fit", "-", cwd=folder, command=forked.words)
    assert status == 2
    assert b"standard output is a terminal" in shown


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_fit_leaves_a_checkpoint(
    number: signal.Signals, status: int, folder: Path, tmp_path: Path, forked: Commands
) -> None:
    output = tmp_path / "out.safetensors"
    options = "--max-time 5m --width 16 --depth 2 --threads 1"
    ended, shown = run_on_terminal(
        *("fit", "photo.png", *options.split(), "-o", str(output)),
        cwd=folder,
        environment={
            "COLUMNS": "120"
        },  # a slow machine's figures are long, and the pace goes first
        send=number,
        after=b" left",
        command=forked.words,
    )
    assert ended == status
    # It was on a terminal: a live bar with all that a person waits for.
    for part in (b"\x1b[?25l", b"step ", b" dB ", b"k samples/s", b" left"):
        assert part in shown
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")  # the cursor is back
    assert b"Traceback" not in shown
    last = shown.strip().splitlines()[-1].decode()
    assert "sinefit: stopped after " in last
    program, *command = shlex.split(last.partition("go on with: ")[2])
    assert (program, command[:2]) == ("sinefit", ["fit", "--resume"])
    checkpoint = Path(command[2])
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.name]
    assert read_field(checkpoint).spec.shape == (12, 16)


@pytest.mark.parametrize(
    ("command", "number", "status"),
    [
        (("fit", "photo.png", *TINY), signal.SIGINT, 130),
        (("fit", "photo.png", *TINY), signal.SIGTERM, 143),
        (("render", "photo.safetensors"), signal.SIGTERM, 143),
    ],
)
def test_a_named_pipe_that_nobody_reads_can_be_left(
    command: tuple[str, ...],
    number: signal.Signals,
    status: int,
    folder: Path,
    tmp_path: Path,
    forked: Commands,
) -> None:
    pipe, temporary = tmp_path / "pipe", tmp_path / "temporary"
    os.mkfifo(pipe)
    temporary.mkdir()
    process = subprocess.Popen(
        [*forked.words, *command, "-q", "-o", str(pipe)],
        cwd=folder,
        env={**ENVIRONMENT, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    # The finished bytes lie in a temporary file until somebody reads them.
    while not any(path.stat().st_size for path in temporary.glob(".pipe.*")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, shown = process.communicate(timeout=100)
    assert process.returncode == status
    assert shown.startswith(b"sinefit: error: ")
    assert not any(temporary.glob(".pipe.*"))


def test_a_stopped_render_leaves_nothing(folder: Path, forked: Commands) -> None:
    ended, shown = run_on_terminal(
        "render",
        *("photo.safetensors", "--scale", "2000", "--threads", "1", "-o", "out.png"),
        cwd=folder,
        send=signal.SIGTERM,
        after=b" left",
        command=forked.words,
    )
    assert ended == 143
    assert b"Traceback" not in shown


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_on_a_terminal(environment: dict[str, str], coloured: bool, folder: Path) -> None:
    status, shown = run_on_terminal("inits", "nothing", cwd=folder, environment=environment)
    assert status == 2
    assert b"sinefit: error: unknown initializer" in shown
    assert (b"\x1b[" in shown) == coloured


@pytest.mark.parametrize(("environment", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True)])
def test_colours_elsewhere(environment: dict[str, str], coloured: bool, folder: Path) -> None:
    done = run("inits", "nothing", cwd=folder, environment=environment)
    assert done.returncode == 2
    assert done.stdout == b""
    assert (b"\x1b[" in done.stderr) == coloured


def test_an_output_without_all_letters(folder: Path) -> None:
    done = run("inits", "lambert", cwd=folder, environment={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert b"\\u03c3" in done.stdout  # the sigma of its formula


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_name_that_is_not_utf8(folder: Path, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/bad\xff [b].png"
    Path(os.fsdecode(name)).write_bytes((folder / "photo.png").read_bytes())
    done = subprocess.run(
        [*COMMAND, "info", name], env=ENVIRONMENT, capture_output=True, check=False, timeout=100
    )
    assert done.returncode == 0
    assert b"bad\\xff [b].png" in done.stdout
