"""No room: exit status 5, one line that names file and cause, what was there as it was."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageCms

from sinefit.fields.weights_file import read_field

from .making import TINY, fail, invoke, make_array, make_picture, make_sound, succeed
from .stops import BRIEF, NETWORK, names, stop_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .forked import Commands

resource = pytest.importorskip("resource")

TOO_LARGE = os.strerror(errno.EFBIG)
NO_ROOM = os.strerror(errno.ENOSPC)
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Refuse to this process files of more than so many bytes, as a quota would.

    Python ignores the signal that the system sends besides, so a write fails with an error.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a field of every kind."""
    folder = tmp_path_factory.mktemp("fields")
    make_picture(folder / "photo.png", size=(8, 8))
    make_sound(folder / "tone.wav")
    make_array(folder / "array.npy", (9, 12))
    frames = [Image.new("L", (16, 12), shade) for shade in range(0, 200, 50)]
    frames[0].save(folder / "clip.gif", save_all=True, append_images=frames[1:], duration=100)
    for name in ("photo.png", "tone.wav", "array.npy", "clip.gif"):
        succeed("fit", folder / name, *TINY, "-q")
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "photo.png", size=(8, 8))
    return tmp_path


@pytest.mark.parametrize(
    ("field", "output", "cause"),
    [
        ("photo", "out.png", TOO_LARGE),
        ("photo", "out.tif", TOO_LARGE),
        ("photo", "out.bmp", TOO_LARGE),
        ("array", "out.npy", TOO_LARGE),
        # These encoders do not tell why, or only find out when reading back.
        ("tone", "out.wav", TOO_LARGE),
        ("tone", "out.flac", TOO_LARGE),
        ("tone", "out.ogg", TOO_LARGE),
        ("clip", "out.mp4", TOO_LARGE),
        ("clip", "out.gif", TOO_LARGE),
    ],
)
def test_a_render_that_is_too_large(
    field: str, output: str, cause: str, fields: Path, here: Path
) -> None:
    render = ("render", fields / f"{field}.safetensors", "--scale", 20, "-q", "-o", output)
    for old in (None, b"old"):
        if old is not None:
            Path(output).write_bytes(old)
        before = names(here)
        with largest_file(2000):
            result = invoke(*render, *(() if old is None else ("--force",)))
        assert result.exit_code == 5
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"sinefit: error: {output} cannot be ")
        assert cause in line
        assert names(here) == before
    assert Path(output).read_bytes() == b"old"


def test_weights_that_are_too_large(here: Path) -> None:
    output = here / "photo.safetensors"
    with largest_file(1000):
        message = fail(5, "fit", "photo.png", *TINY)
    assert message == f"photo.safetensors: cannot write: {TOO_LARGE}"
    assert names(here) == ["photo.png"]
    output.write_bytes(b"old")
    with largest_file(1000):
        assert TOO_LARGE in fail(5, "fit", "photo.png", *TINY, "--force")
    assert output.read_bytes() == b"old"
    assert names(here) == ["photo.png", "photo.safetensors"]


WEIGHTS_ONLY = 4000
"""Bytes that are enough for the weights of these fits, and too few for a checkpoint of them."""


def test_a_fit_whose_checkpoints_are_too_large_goes_on_to_its_end(here: Path) -> None:
    with largest_file(WEIGHTS_ONLY):
        result = succeed("fit", "photo.png", *BRIEF, "--checkpoint-every", 0)
    notes = [line for line in result.stderr.splitlines() if "checkpoint" in line]
    assert notes == [  # once, however many could not be written
        f"sinefit: going on without a checkpoint: photo.ckpt.safetensors: cannot write: {TOO_LARGE}"
    ]
    assert read_field(here / "photo.safetensors").record.steps == 170
    assert names(here) == ["photo.png", "photo.safetensors"]


def test_a_stopped_fit_without_room_says_so_and_keeps_the_last_checkpoint(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with largest_file(WEIGHTS_ONLY):
        result = stop_at(monkeypatch, 1, "photo.png", *BRIEF)
    assert result.exit_code == 5
    last = result.stderr.splitlines()[-1]
    assert last.startswith("sinefit: error: ")
    assert f"photo.ckpt.safetensors: cannot write: {TOO_LARGE}" in last
    assert "go on with" not in result.stderr
    assert names(here) == ["photo.png"]
    stop_at(monkeypatch, 1, "photo.png", *BRIEF)
    kept = Path("photo.ckpt.safetensors").read_bytes()
    with largest_file(WEIGHTS_ONLY):
        assert stop_at(monkeypatch, 1, "photo.png", *BRIEF).exit_code == 5
    assert Path("photo.ckpt.safetensors").read_bytes() == kept


def test_a_log_that_grows_too_large_has_whole_lines_only(here: Path) -> None:
    long = ("--steps", 3000, *NETWORK)
    with largest_file(5000):
        message = fail(5, "fit", "photo.png", *long, "--log", "log")
    assert message == f"log: cannot write the log: {TOO_LARGE}"
    content = Path("log").read_bytes()
    assert content.endswith(b"\n")
    events = [json.loads(line)["event"] for line in content.splitlines()]
    assert events[0] == "start"
    assert len(events) > 5


def test_in_a_batch_the_others_are_fitted(here: Path) -> None:
    # A colour profile is kept as it is, so the weights are larger by it.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open("photo.png") as photo:
        photo.save("large.png", icc_profile=profile)
    succeed("fit", "photo.png", *TINY)
    most = Path("photo.safetensors").stat().st_size + len(profile) // 2
    Path("photo.safetensors").unlink()
    with largest_file(most):
        result = invoke("fit", "large.png", "photo.png", *TINY)
    assert result.exit_code == 6
    assert result.stderr.count(f"large.safetensors: cannot write: {TOO_LARGE}") == 2
    assert "1 of 2 fitted" in result.stderr
    assert names(here) == ["large.png", "photo.png", "photo.safetensors"]


@pytest.fixture
def small_disk(here: Path) -> Iterator[Path]:
    """Return a folder on a disk of its own with hardly any room."""
    folder = here / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_full(small_disk: Path, fields: Path) -> None:
    target = small_disk / "out.npy"
    render = ("render", fields / "array.safetensors", "-q", "-o", target, "--force")
    succeed(*render)
    old = target.read_bytes()
    result = invoke(*render, "--scale", 40)
    assert result.exit_code == 5
    (line,) = result.stderr.splitlines()
    assert line == f"sinefit: error: {target} cannot be written: {NO_ROOM}"
    assert target.read_bytes() == old
    (small_disk / "filler").write_bytes(bytes(8000))
    message = fail(5, "fit", "photo.png", *TINY, "--width", 64, "-o", small_disk / "w")
    told = f"{small_disk / 'w'}: cannot write: {NO_ROOM}; the finished weights are in w"
    assert message == told
    assert read_field(Path("w")).record.steps == 5
    assert names(small_disk) == ["filler", "out.npy"]


@needs_full
@pytest.mark.parametrize(
    "command",
    [
        "fit photo.png -o -",
        "fit photo.png --json",
        "render photo.safetensors -o -",
        "info photo.safetensors",
        "eval photo.safetensors photo.png",
        "inits",
        "--help",
        "--version",
    ],
)
def test_a_full_standard_output(
    command: str, fields: Path, tmp_path: Path, forked: Commands
) -> None:
    # Each is a process: what counts is also how Python ends when its last flush fails.
    for name in ("photo.png", "photo.safetensors"):
        (tmp_path / name).write_bytes((fields / name).read_bytes())
    words = command.split()
    if words[0] == "fit":
        words += [*TINY, "--force"]
    if words[0] in ("fit", "render", "eval"):
        words.append("-q")
    done = forked.run(*words, cwd=tmp_path, stdout="/dev/full")
    assert done.status == 5
    assert done.stderr.decode() == (f"sinefit: error: standard output: cannot write: {NO_ROOM}\n")


@needs_full
def test_a_full_standard_error_changes_no_status(tmp_path: Path, forked: Commands) -> None:
    done = forked.run("info", "missing.png", cwd=tmp_path, stderr="/dev/full")
    assert (done.status, done.stdout) == (3, b"")


@needs_full
@pytest.mark.parametrize("stderr", ["/dev/full", None, "broken"])
@pytest.mark.parametrize("progress", ["auto", "json"])
def test_a_fit_needs_no_standard_error(
    progress: str, stderr: str | None, here: Path, forked: Commands
) -> None:
    fit = ("fit", "photo.png", *BRIEF, "-v", "--progress", progress, "--json")
    done = forked.run(*fit, cwd=here, stderr=stderr)
    assert done.status == 0
    assert json.loads(done.stdout)["steps"] == 170
    assert read_field(here / "photo.safetensors").record.steps == 170
    # What was not told is told by the status, here and when Python ends.
    again = forked.run("fit", "photo.png", "missing.png", *BRIEF, cwd=here, stderr=stderr)
    assert (again.status, again.stdout) == (6, b"")


@pytest.mark.parametrize(
    "command", ["info photo.png", "info photo.png --json", "inits", "inits ws"]
)
def test_a_closed_standard_output(command: str, here: Path, forked: Commands) -> None:
    done = forked.run(*command.split(), cwd=here, stdout=None)
    line = b"sinefit: error: standard output is closed; there is nowhere to print\n"
    assert (done.status, done.stderr) == (5, line)


@needs_full
def test_devices_that_are_full(fields: Path, here: Path) -> None:
    for name in ("/dev/full", "link"):
        Path("link").unlink(missing_ok=True)
        Path("link").symlink_to("/dev/full")
        for command in (("fit", "photo.png", *TINY), ("render", fields / "tone.safetensors")):
            message = fail(5, *command, "-o", name)
            assert message == f"{name}: cannot write: {NO_ROOM}"
    assert Path("/dev/full").is_char_device()
