from __future__ import annotations

import json
import random
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import safetensors.torch
from PIL import Image

from sinefit.cli.options.settings import OFFERED
from sinefit.fields.weights_file import read_field
from sinefit.signals.reading import read_signal
from tests.cli.making import (
    fail,
    make_array,
    make_picture,
    make_sound,
    succeed,
)
from tests.cli.stops import BRIEF, NETWORK, command_in, names, stop_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.forked import Commands

PHOTO = Path("photo.png")
OUTPUT = Path("photo.safetensors")
CHECKPOINT = Path("photo.ckpt.safetensors")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "photo.png")
    return tmp_path


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a photo, its finished weights and a checkpoint of the same fit."""
    folder = tmp_path_factory.mktemp("reference")
    make_picture(folder / "photo.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        stop_at(patch, 2, "photo.png", *BRIEF)
        succeed("fit", "photo.png", *BRIEF, "--force", "-o", "whole.safetensors")
    assert names(folder) == ["photo.ckpt.safetensors", "photo.png", "whole.safetensors"]
    return folder


@pytest.fixture
def stopped(reference: Path, here: Path) -> Path:
    """Return the present folder, with the photo and the checkpoint of its stopped fit."""
    shutil.copy(reference / CHECKPOINT, here)
    return here


@pytest.fixture(scope="module")
def whole(reference: Path) -> bytes:
    """Return the weights of the fit that was never stopped."""
    return (reference / "whole.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 143)]
)
def test_a_stopped_fit_goes_on_to_the_same_bytes(
    number: signal.Signals,
    code: int,
    here: Path,
    whole: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = stop_at(monkeypatch, 2, PHOTO, *BRIEF, number=number)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == (
        "sinefit: stopped after 100 steps; go on with: "
        "sinefit fit --resume photo.ckpt.safetensors --threads 1"
    )
    assert names(here) == ["photo.ckpt.safetensors", "photo.png"]
    succeed("render", CHECKPOINT, "-o", "look.png", "-q")
    assert read_signal("look.png").spec.shape == (12, 16)
    again = succeed(*command_in(result))
    assert "photo.png: going on after 100 steps" in again.stderr
    assert OUTPUT.read_bytes() == whole
    assert names(here) == ["look.png", "photo.png", "photo.safetensors"]


@pytest.mark.parametrize(
    ("make", "name", "options"),
    [
        (make_picture, "a.png", ("--region", "2,0,14,12", "--downsample", "2")),
        (make_sound, "a.wav", ("--start", "10ms", "--duration", "50ms", "--init", "tuner")),
        (make_array, "a.npy", ("--channels-last", "--init", "lambert:sigma_a=1")),
        (make_array, "a.npy", ("--domain", "sphere", "--omega", "3")),
    ],
)
def test_the_same_command_again_goes_on(
    make: Callable[[Path], Path],
    name: str,
    options: tuple[str, ...],
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make(here / name)
    command = (name, *BRIEF, *options)
    succeed("fit", *command, "-o", "whole.safetensors")
    # Stopped twice: a fit that went on can be stopped too, its reports count anew.
    for steps in (50, 100):
        result = stop_at(monkeypatch, 1, *command)
        assert f"stopped after {steps} steps" in result.stderr
    # And by its own command it goes on with all options.
    shutil.copy("a.ckpt.safetensors", "b.ckpt.safetensors")
    assert "going on after 100 steps" in succeed("fit", *command).stderr
    assert Path("a.safetensors").read_bytes() == Path("whole.safetensors").read_bytes()
    Path("a.safetensors").unlink()
    succeed("fit", "--resume", "b.ckpt.safetensors", "--threads", 1)
    assert Path("a.safetensors").read_bytes() == Path("whole.safetensors").read_bytes()


def test_a_clip_with_its_sound_left_out(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [Image.new("L", (16, 12), shade) for shade in range(0, 200, 50)]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:], duration=100)
    command = ("a.gif", *BRIEF, "--no-sound", "--kind", "image")
    succeed("fit", *command, "-o", "whole.safetensors")
    result = stop_at(monkeypatch, 1, *command)
    succeed(*command_in(result))
    assert Path("a.safetensors").read_bytes() == Path("whole.safetensors").read_bytes()


def test_a_fit_that_continues_another(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ("--steps", "120", "--threads", "1", "--batch", "50", "--from", "first.safetensors")
    first = ("--init", "ws:alpha=2", *BRIEF)
    succeed("fit", PHOTO, *first, "-o", "first.safetensors")
    succeed("fit", PHOTO, *options, "-o", "whole.safetensors")
    expected = Path("whole.safetensors").read_bytes()
    result = stop_at(monkeypatch, 1, PHOTO, *options)
    kept = CHECKPOINT.read_bytes()
    # The same command, once more stopped, and the command that resumes, without the first weights.
    succeed("fit", PHOTO, *options)
    assert OUTPUT.read_bytes() == expected
    OUTPUT.unlink()
    CHECKPOINT.write_bytes(kept)
    Path("first.safetensors").rename("elsewhere.safetensors")
    result = stop_at(monkeypatch, 1, *command_in(result)[1:])
    assert "stopped after 100 steps" in result.stderr
    Path("elsewhere.safetensors").rename("first.safetensors")
    shutil.copy("first.safetensors", "other.safetensors")
    for other in ((*options[:-1], "other.safetensors"), (*options[:-2], *first[:2])):
        message = fail(2, "fit", PHOTO, *other)
        assert message.startswith("the checkpoint was made with --from ")
    succeed("fit", PHOTO, *options)
    assert OUTPUT.read_bytes() == expected


def test_the_input_and_the_same_settings_may_be_named_again(stopped: Path, whole: bytes) -> None:
    shutil.copy(PHOTO, "copy.png")
    options = ("--steps", 170, "--width", 16, "--init", "siren", "--seed", 0, "--start", 0)
    succeed("fit", "copy.png", "--resume", CHECKPOINT, *options, "--threads", 1)
    ours = safetensors.torch.load_file(OUTPUT)
    for name, tensor in safetensors.torch.load(whole).items():
        assert bool((ours[name] == tensor).all())
    assert names(stopped) == ["copy.png", "photo.png", "photo.safetensors"]


def test_another_input_is_refused(stopped: Path) -> None:
    make_picture(stopped / "other.png", channels=1)
    before = CHECKPOINT.read_bytes()
    for arguments in (
        ("other.png", "--resume", CHECKPOINT),
        ("other.png", *BRIEF, "-o", OUTPUT),
    ):
        message = fail(2, "fit", *arguments)
        assert message.startswith("the checkpoint is of another input than other.png")
    make_picture(PHOTO, size=(16, 13))
    for named in ((PHOTO, *BRIEF), ("--resume", CHECKPOINT, PHOTO)):
        assert "another input than photo.png" in fail(2, "fit", *named)
    assert CHECKPOINT.read_bytes() == before
    assert not OUTPUT.exists()


SETTINGS = [
    ("--init", "lambert"),
    ("--sigma-a", "1"),
    ("--network", "finer"),
    ("--omega", "7"),
    ("--width", "17"),
    ("--depth", "3"),
    ("--blocks", "3x2"),
    ("--block-size", "9"),
    ("--ensemble", "2"),
    ("--steps", "180"),
    ("--max-time", "9m"),
    ("--target-psnr", "90"),
    ("--lr", "1e-5"),
    ("--batch", "33"),
    ("--recipe", "paper"),
    ("--schedule", "constant"),
    ("--betas", "0.9,0.999"),
    ("--epsilon", "1e-8"),
    ("--precision", "float64"),
    ("--coordinates", "ends"),
    ("--targets", "0,1"),
    ("--seed", "77"),
    ("--holdout", "5%"),
    ("--stop-on", "holdout"),
    ("--supervise", "gradient"),
    ("--footprint", "box"),
    ("--dtype", "bfloat16"),
    ("--kind", "image"),
    ("--format", "png"),
    ("--no-sound", ""),
    ("--start", "1"),
    ("--duration", "1"),
    ("--region", "0,0,5,5"),
    ("--downsample", "2"),
    ("--mask", "alpha"),
    ("--grey", ""),
    ("--channels-last", ""),
    ("--domain", "sphere"),
]


def test_every_setting_that_decides_a_fit_is_among_them() -> None:
    deciding = {f"--{each.flag}" for each in OFFERED if each.decides}
    # To the one network of the photograph, of a given width, some mean nothing.
    deciding -= {"--margin", "--weights-per-value"}
    assert deciding <= {flag for flag, _ in SETTINGS}


@pytest.mark.parametrize(("flag", "value"), SETTINGS)
def test_other_settings_are_refused_by_name(flag: str, value: str, stopped: Path) -> None:
    before = CHECKPOINT.read_bytes()
    option = (flag, value) if value else (flag,)
    named = {
        "--sigma-a": "--init",
        "--no-sound": "--sound",
        "--block-size": "--blocks",
    }.get(flag, flag)
    message = fail(2, "fit", "--resume", CHECKPOINT, *option)
    assert message.startswith(f"the checkpoint was made with {named} ")
    message = fail(2, "fit", PHOTO, *BRIEF, *option)
    assert message.startswith(f"the checkpoint was made with {named} ")
    assert names(stopped) == ["photo.ckpt.safetensors", "photo.png"]
    assert CHECKPOINT.read_bytes() == before


def test_variables_and_files_of_options_do_not_change_a_checkpoint(
    stopped: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SINEFIT_FIT_WIDTH", "99")
    Path("fit.toml").write_text("steps = 9\nthreads = 1\nregion = '0,0,5,5'\n")
    succeed("fit", "--resume", CHECKPOINT, "--config", "fit.toml")
    assert OUTPUT.read_bytes() == whole


def test_force_starts_over(stopped: Path) -> None:
    result = succeed("fit", PHOTO, *BRIEF, "--seed", 5, "--force")
    assert "going on" not in result.stderr
    succeed("fit", PHOTO, *BRIEF, "--seed", 5, "-o", "expected.safetensors")
    assert OUTPUT.read_bytes() == Path("expected.safetensors").read_bytes()
    assert not CHECKPOINT.exists()


def test_a_checkpoint_does_not_replace_an_output_unasked(stopped: Path, whole: bytes) -> None:
    OUTPUT.write_bytes(b"old")
    for arguments in (("--resume", CHECKPOINT), (PHOTO, *BRIEF)):
        assert "it exists already; add --force" in fail(5, "fit", *arguments)
    assert OUTPUT.read_bytes() == b"old"
    assert CHECKPOINT.exists()
    succeed("fit", "--resume", CHECKPOINT, "--force", "--threads", 1)
    assert OUTPUT.read_bytes() == whole


def test_a_checkpoint_that_was_moved_has_its_weights_beside_it(stopped: Path, whole: bytes) -> None:
    # Its own folder is that of the reference, where the photo still lies.
    (stopped / "sub").mkdir()
    CHECKPOINT.rename("sub/renamed.ckpt.safetensors")
    succeed("fit", "--resume", "sub/renamed.ckpt.safetensors", "--threads", 1)
    assert Path("sub/renamed.safetensors").read_bytes() == whole
    assert names(stopped) == ["photo.png", "sub/renamed.safetensors"]


def test_a_copied_checkpoint_takes_the_input_beside_it(
    reference: Path, stopped: Path, whole: bytes
) -> None:
    # Where it was made the photo is another one by then.
    kept = (reference / PHOTO).read_bytes()
    try:
        make_picture(reference / PHOTO, channels=1)
        succeed("fit", "--resume", CHECKPOINT, "--threads", 1)
    finally:
        (reference / PHOTO).write_bytes(kept)
    assert OUTPUT.read_bytes() == whole


def test_a_checkpoint_whose_input_is_nowhere_names_the_places(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "sub").mkdir()
    PHOTO.rename("sub/photo.png")
    stop_at(monkeypatch, 1, "sub/photo.png", *BRIEF)
    Path("sub", CHECKPOINT).rename("my copy.ckpt.safetensors")
    Path("sub/photo.png").rename("renamed.png")
    message = fail(3, "fit", "--resume", "my copy.ckpt.safetensors")
    assert message == (
        f"my copy.ckpt.safetensors: its input is neither beside it nor at {here}/sub/photo.png: "
        "name it: sinefit fit --resume 'my copy.ckpt.safetensors' FILE"
    )
    succeed("fit", "--resume", "my copy.ckpt.safetensors", "renamed.png")
    assert names(here) == ["my copy.safetensors", "renamed.png"]


def test_the_weights_can_be_sent_elsewhere(stopped: Path, whole: bytes) -> None:
    succeed("fit", "--resume", CHECKPOINT, "--threads", 1, "-o", "w")
    assert Path("w").read_bytes() == whole
    result = succeed("fit", "--resume", CHECKPOINT, "--threads", 1, "-o", "-")
    assert result.stdout_bytes == whole


def test_standard_input_is_piped_in_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = PHOTO.read_bytes()
    succeed("fit", "-", *BRIEF, "-o", "whole.safetensors", stdin=content)
    result = stop_at(monkeypatch, 2, "-", *BRIEF, "-o", "w.safetensors", stdin=content)
    last = result.stderr.splitlines()[-1]
    assert "stopped after 100 steps; with the same input go on with: sinefit fit" in last
    command = command_in(result)
    assert command[-1] == "-"
    message = fail(2, *command[:-1])
    assert message.startswith("w.ckpt.safetensors was made of standard input: pipe the same in")
    other = make_picture(here / "other.png", channels=1).read_bytes()
    assert "another input" in fail(2, *command, stdin=other)
    succeed(*command, stdin=content)
    assert Path("w.safetensors").read_bytes() == Path("whole.safetensors").read_bytes()


@pytest.mark.parametrize("name", ["-x.png", "it's [b].png", "two words.png"])
def test_the_command_can_be_pasted(name: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PHOTO.rename(name)
    result = stop_at(monkeypatch, 1, *BRIEF, "--", name)
    succeed(*command_in(result))
    assert names(here) == sorted([name, name.replace(".png", ".safetensors")])


def test_options_that_make_no_sense_with_a_checkpoint(stopped: Path) -> None:
    for options, cause in (
        (("--from", "w"), "--from and --resume exclude each other"),
        (("-O", "."), "--output-folder and --resume exclude each other"),
        (("photo.png", "b.png"), "--resume goes on with one fit"),
    ):
        assert cause in fail(2, "fit", "--resume", CHECKPOINT, *options)


def test_checkpoints_that_cannot_be(stopped: Path, whole: bytes) -> None:
    assert fail(3, "fit", "--resume", "no").startswith("no does not exist")
    assert "not a weights file" in fail(3, "fit", "--resume", PHOTO)
    for content, cause in ((whole, "a finished weights file, no checkpoint"), (b"x" * 99, "not a")):
        CHECKPOINT.write_bytes(content)
        assert cause in fail(3, "fit", "--resume", CHECKPOINT)
        message = fail(3, "fit", PHOTO, *BRIEF)
        assert cause in message
        assert message.endswith("; --force starts over")
    succeed("fit", PHOTO, *BRIEF, "--force")
    assert OUTPUT.read_bytes() == whole


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"source": "photo.png", "target": "photo.safetensors"},
        {"source": "photo.png", "target": 3, "reading": {}},
        {"source": "photo.png", "target": "photo.safetensors", "reading": 3},
        {"source": "photo.png", "target": "photo.safetensors", "reading": {"kind": None}},
    ],
)
def test_a_checkpoint_that_does_not_tell_its_input(origin: dict[str, Any], stopped: Path) -> None:
    tensors = safetensors.torch.load_file(CHECKPOINT)
    with safetensors.safe_open(CHECKPOINT, "pt") as file:
        metadata = dict(file.metadata())
    values = json.loads(metadata["checkpoint"])
    values["origin"] = origin
    metadata["checkpoint"] = json.dumps(values)
    safetensors.torch.save_file(tensors, CHECKPOINT, metadata)
    message = fail(3, "fit", "--resume", CHECKPOINT)
    assert message == f"{CHECKPOINT}: damaged checkpoint: it does not tell its input"
    # Whoever names the input, as the same command does, needs no origin.
    succeed("fit", PHOTO, *BRIEF)


def test_the_newest_weights_are_never_a_checkpoint(stopped: Path) -> None:
    assert "no weights file in this folder" in fail(3, "render")


# Every step writes a checkpoint, so a kill meets every part of the writing.
KILLED = ("--steps", "400", *NETWORK, "--checkpoint-every", "0")


def finish(folder: Path, forked: Commands) -> bytes:
    """Run the fit to its end; return its weights, beside which nothing may be left."""
    ended = forked.run("fit", "photo.png", *KILLED, cwd=folder)
    assert ended.status == 0, ended.stderr
    assert names(folder) == ["photo.png", "photo.safetensors"]
    return (folder / OUTPUT).read_bytes()


def kill_in_rounds(folder: Path, forked: Commands, rounds: int, seed: int) -> None:
    """Kill a fit again and again at random moments; the same command always goes on to its end.

    Moments are drawn from the whole life of the process: from its start, then from its first words.
    """
    make_picture(folder / "photo.png")
    drawn = random.Random(seed)
    succeed("fit", folder / "photo.png", *KILLED[:-2], "-q")
    expected = (folder / OUTPUT).read_bytes()
    (folder / OUTPUT).unlink()
    for number in range(rounds):
        process = forked.start("fit", "photo.png", *KILLED, cwd=folder)
        if number % 4 < 3:
            process.said()
        time.sleep(drawn.uniform(0.0, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        left = names(folder)
        known = {"photo.png", "photo.safetensors", "photo.ckpt.safetensors"}
        assert all(name in known or name.startswith(".photo.") for name in left)
        if "photo.ckpt.safetensors" in left:
            assert read_field(folder / CHECKPOINT).spec.shape == (12, 16)
        if "photo.safetensors" in left:
            # It was done before it was killed, but perhaps not before its checkpoint was removed.
            assert (folder / OUTPUT).read_bytes() == expected
            (folder / OUTPUT).unlink()
            (folder / CHECKPOINT).unlink(missing_ok=True)
    assert finish(folder, forked) == expected
    # An output that is being replaced stays as it is until the new one is whole.
    process = forked.start("fit", "photo.png", *KILLED, "--seed", "1", "--force", cwd=folder)
    process.said()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (folder / OUTPUT).read_bytes() == expected


def test_a_fit_that_is_killed(tmp_path: Path, forked: Commands) -> None:
    kill_in_rounds(tmp_path, forked, rounds=3, seed=0)


@pytest.mark.slow
def test_a_fit_that_is_killed_a_hundred_times(tmp_path: Path, forked: Commands) -> None:
    for seed in range(10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        kill_in_rounds(folder, forked, rounds=10, seed=seed + 1)


def test_the_second_ctrl_c_is_not_kept_waiting(tmp_path: Path, forked: Commands) -> None:
    """A step that takes minutes is left by the second Ctrl-C, without a checkpoint of its own."""
    make_picture(tmp_path / "photo.png", size=(512, 512))
    huge = ("--batch", "300000", "--width", "512", "--depth", "12", "--threads", "1")
    words = ("fit", "photo.png", *huge, "--steps", "9", "--omega", "30")
    process = forked.start(*words, cwd=tmp_path)
    assert b"photo.png: image, 512x512" in process.said()
    time.sleep(2)  # the first step has begun, and takes far longer
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)  # two at once would arrive as one
    process.send_signal(signal.SIGINT)
    ended = process.wait()
    assert ended.status == 130
    assert ended.stderr.splitlines()[-1] == b"sinefit: error: stopped"
    assert b"Traceback" not in ended.stderr
    assert names(tmp_path) == ["photo.png"]
