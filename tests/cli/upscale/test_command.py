"""`sinefit upscale`: a fit and a render in one, which loses nothing of either."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.fields.weights_file import read_field
from sinefit.signals.reading import read_signal
from tests.cli.making import (
    ENVIRONMENT,
    TINY,
    fail,
    invoke,
    make_array,
    make_picture,
    make_sound,
    succeed,
)
from tests.cli.stops import BRIEF, at_report, command_in, names

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.forked import Commands


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "photo.png")
    return tmp_path


def test_the_picture_is_that_of_a_fit_and_a_render(here: Path) -> None:
    succeed("upscale", "photo.png", "--scale", "3", *TINY)
    assert names(here) == ["photo-3x.png", "photo.png"]
    succeed("fit", "photo.png", "--for", "upscale", *TINY)
    succeed("render", "photo.safetensors", "--scale", "3", "-o", "two.png")
    one, two = (read_signal(here / name) for name in ("photo-3x.png", "two.png"))
    assert one.spec.shape == (36, 48)
    np.testing.assert_array_equal(one.samples, two.samples)
    assert read_field(here / "photo.safetensors").record.initializer is not None


def test_the_recipe_is_that_for_upscaling_unless_told(here: Path) -> None:
    for words, footprint in (((), "box"), (("--for", "usual"), "point")):
        succeed("upscale", "photo.png", "--keep-weights", *words, *TINY, "--force")
        assert read_field(here / "photo-2x.safetensors").spec.footprint == footprint


@pytest.mark.parametrize(
    ("make", "name", "grid", "output", "shape"),
    [
        (make_picture, "a.png", ("--size", "8x"), "a-8x.png", (6, 8)),
        (make_sound, "b.wav", (), "b-2x.wav", (1600,)),
        (make_sound, "b.wav", ("--rate", "12000"), "b-12000hz.wav", (1200,)),
        (make_array, "c.npy", ("--scale", "1x2"), "c-1x2.npy", (9, 24)),
    ],
)
def test_the_grid_is_asked_for_as_of_a_render(  # type: ignore[no-untyped-def]
    make, name: str, grid: tuple[str, ...], output: str, shape: tuple[int, ...], here: Path
) -> None:
    make(here / name)
    succeed("upscale", name, *grid, *TINY, "-q")
    assert read_signal(here / output).spec.shape == shape


def test_a_file_whose_format_is_only_read_goes_to_a_usual_one(here: Path) -> None:
    np.savez("several.npz", only=np.arange(30, dtype=np.float32).reshape(5, 6))
    (here / "unnamed").write_bytes((here / "photo.png").read_bytes())
    succeed("upscale", "several.npz", "unnamed", *TINY, "-q")
    assert read_signal(here / "several-2x.npy").spec.shape == (10, 12)
    assert read_signal(here / "unnamed-2x.png").spec.shape == (24, 32)


def test_many_files_tell_of_each(here: Path) -> None:
    make_picture(here / "other.jpg")
    files = ("photo.png", "other.jpg", "missing.png")
    listed = succeed("upscale", *files, "-O", "large", "--dry-run").stdout.splitlines()
    assert listed[1] == "other.jpg -> large/other-2x.jpg"
    result = invoke("upscale", *files, "-O", "large", "--json", "--progress", "json", *TINY)
    assert result.exit_code == 6
    first, second, third = map(json.loads, result.stdout.splitlines())
    assert (first["output"], first["weights"]) == ("large/photo-2x.png", None)
    assert (second["format"], third["exit"]) == ("jpeg", 3)
    assert names(here / "large") == ["other-2x.jpg", "photo-2x.png"]
    events = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    phases = [each["phase"] for each in events if each["event"] == "progress"]
    assert {"measuring", "rendering"} <= set(phases)
    again = succeed("upscale", *files[:2], "-O", "large", "--skip-existing", *TINY)
    assert again.stderr.count("exists, left out") == 2


def test_a_stopped_fit_goes_on_to_the_same_picture(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ("upscale", "photo.png", "--scale", "4", *BRIEF)
    succeed(*whole, "-o", "whole.png")
    with at_report(monkeypatch, 1, lambda: signal.raise_signal(signal.SIGINT)):
        result = invoke(*whole)
    assert result.exit_code == 130
    assert names(here) == ["photo-4x.ckpt.safetensors", "photo.png", "whole.png"]
    succeed(*command_in(result))
    assert names(here) == ["photo-4x.png", "photo.png", "whole.png"]
    one, two = (read_signal(here / name).samples for name in ("whole.png", "photo-4x.png"))
    np.testing.assert_array_equal(one, two)


def test_a_stopped_render_keeps_the_fit(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update = ProgressDisplay.update

    def stop(display: ProgressDisplay, share: float | None, details: str) -> None:
        update(display, share, details)
        if "left" in details and "measuring" not in details and "step" not in details:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ProgressDisplay, "update", stop)
        result = invoke("upscale", "photo.png", "--size", "x30", *TINY)
    assert result.exit_code == 130
    assert names(here) == ["photo-x30.safetensors", "photo.png"]
    error = fail(5, "upscale", "photo.png", "--size", "x30", *TINY)
    told = error.partition("render what it holds: ")[2]
    assert shlex.split(told)[1:] == command_in(result)
    succeed(*command_in(result))
    assert read_signal(here / "photo-x30.png").spec.shape == (30, 40)


def test_what_cannot_be_is_told_before_the_fit(here: Path) -> None:
    """With an hour to fit, a mistake in what is rendered ends the command at once."""
    hour = ("--max-time", "1h")
    assert "--rate does not apply" in fail(2, "upscale", "photo.png", "--rate", "9", *hour)
    assert "no format for kind image" in fail(5, "upscale", "photo.png", "-o", "a.wav", *hour)
    assert "--quality is 5" in fail(2, "upscale", "photo.png", "--quality", "5", *hour)
    make_picture(here / "photo-2x.png")
    assert "exists already; add --force" in fail(5, "upscale", "photo.png", *hour)
    assert "no FILE" in fail(2, "upscale")
    assert "both claim standard output" in fail(
        2, "upscale", "photo.png", "-o", "-", "--json", *hour
    )
    assert names(here) == ["photo-2x.png", "photo.png"]


def test_from_pipe_to_pipe(here: Path, forked: Commands) -> None:
    done = subprocess.run(
        [*forked.words, "upscale", "-", "--scale", "4", "-o", "-", *TINY],
        input=(here / "photo.png").read_bytes(),
        capture_output=True,
        env=ENVIRONMENT,
        cwd=here,
        check=True,
        timeout=100,
    )
    assert read_signal(done.stdout).spec.shape == (48, 64)
    assert os.listdir(here) == ["photo.png"]  # noqa: PTH208 (hidden ones too)
