from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
import pytest
import typer
from PIL import Image

from sinefit.cli.fit.batch import fit_files
from sinefit.cli.fit.preview import TERMINAL, TerminalPreview, complete_preview, make_preview
from sinefit.cli.fit.request import FitRequest
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.progress import ProgressDisplay
from sinefit.cli.terminal.streams import Streams
from sinefit.fields.weights_file import read_field
from sinefit.fitting.budget import Budget
from sinefit.fitting.config import FitConfig
from sinefit.fitting.defaults import DEFAULT_INITIALIZER
from sinefit.initializers.registry import parse_initializer
from sinefit.jobs.job import Job
from tests.cli.making import (
    TINY,
    fail,
    invoke,
    make_array,
    make_picture,
    make_sound,
    run_on_terminal,
    succeed,
)
from tests.cli.stops import BRIEF, at_report, names, stop_at
from tests.cli.terminals import ESCAPE

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from tests.cli.forked import Commands
    from tests.cli.terminals import Terminal


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_picture(tmp_path / "photo.png")
    return tmp_path


@pytest.fixture
def field(here: Path) -> Field:
    succeed("fit", "photo.png", *TINY, "-q")
    return read_field(Path("photo.safetensors"))


def pixels(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    with Image.open(name) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture).astype(np.int64)


def test_completion_offers_the_terminal() -> None:
    assert complete_preview("") == complete_preview("ter") == [TERMINAL]
    assert complete_preview("look") == []


def test_a_file_shows_the_finished_field(here: Path) -> None:
    succeed("fit", "photo.png", *TINY, "--preview", "look.png")
    assert names(here) == ["look.png", "photo.png", "photo.safetensors"]
    succeed("render", "photo.safetensors", "-o", "again.png")
    assert np.abs(pixels("look.png") - pixels("again.png")).max() <= 1


def fit_with_pictures(output: str = "photo.safetensors", stderr: TextIO | None = None) -> None:
    """Fit as BRIEF has it, with a picture as often as there is a look around."""
    config = FitConfig(
        parse_initializer(DEFAULT_INITIALIZER),
        width=16,
        depth=2,
        batch=50,
        threads=1,
        budget=Budget(steps=170),
    )
    request = FitRequest(config, preview="look.png", preview_every=0.0)
    fit_files([Job("photo.png", output)], request, Messages(Streams(stderr=stderr), quiet=True))


def test_a_file_is_rewritten_while_the_fit_runs(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    with at_report(monkeypatch, 2, lambda: seen.append(Path("look.png").read_bytes())):
        fit_with_pictures()
    assert seen[0] != Path("look.png").read_bytes()
    assert seen[0].startswith(b"\x89PNG")


def test_looking_changes_no_result(here: Path) -> None:
    succeed("fit", "photo.png", *BRIEF, "-o", "a.safetensors")
    fit_with_pictures("b.safetensors")
    assert Path("a.safetensors").read_bytes() == Path("b.safetensors").read_bytes()


def test_every_kind_can_be_looked_at(here: Path) -> None:
    frames = [Image.new("L", (16, 12), shade) for shade in (0, 128)]
    frames[0].save("clip.gif", save_all=True, append_images=frames[1:])
    for source in (make_sound(here / "a.wav"), make_array(here / "b.npy"), here / "clip.gif"):
        succeed("fit", source, *TINY, "--preview", f"{source}.png", "--omega", 20)
        assert pixels(f"{source}.png").shape[2] == 3


def test_no_file_is_replaced_unasked(here: Path) -> None:
    make_picture(here / "mine.png")
    before = Path("mine.png").read_bytes()
    message = fail(5, "fit", "photo.png", *TINY, "--preview", "mine.png")
    assert message == "mine.png: it exists already; add --force to replace it"
    assert Path("mine.png").read_bytes() == before
    assert names(here) == ["mine.png", "photo.png"]
    succeed("fit", "photo.png", *TINY, "--preview", "mine.png", "--force")
    # Nor is the picture of a fit before, which may be worth keeping.
    assert "mine.png: it exists" in fail(
        5, "fit", "photo.png", *TINY, "-o", "b.safetensors", "--preview", "mine.png"
    )


@pytest.mark.parametrize("again", ["same", "resume"])
def test_a_fit_that_goes_on_has_its_picture_back(
    again: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        at_report(monkeypatch, 2, lambda: signal.raise_signal(signal.SIGINT)),
        pytest.raises(typer.Exit),
    ):
        fit_with_pictures()
    before = Path("look.png").read_bytes()
    options = ("photo.png", *BRIEF) if again == "same" else ("--resume", "photo.ckpt.safetensors")
    succeed("fit", *options, "--preview", "look.png")
    assert Path("look.png").read_bytes() != before


def test_a_fit_that_goes_on_replaces_no_other_picture(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at(monkeypatch, 2, "photo.png", *BRIEF)
    make_picture(here / "mine.png")
    Path("odd.png").write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    for name in ("mine.png", "odd.png"):
        message = fail(5, "fit", "photo.png", *BRIEF, "--preview", name)
        assert f"{name}: it exists already" in message
    assert "photo.ckpt.safetensors" in names(here)


@pytest.mark.parametrize("name", ["look.jpg", "look", "-", "", "screen", "TERMINAL"])
def test_what_is_no_preview(name: str, here: Path) -> None:
    message = fail(2, "fit", "photo.png", *TINY, "--preview", name)
    assert message.startswith(f"--preview is {name}: write terminal, or the name of a .png file")
    assert names(here) == ["photo.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_named_pipe_is_no_preview(here: Path) -> None:
    os.mkfifo("pipe.png")
    assert "--preview is pipe.png" in fail(2, "fit", "photo.png", *TINY, "--preview", "pipe.png")


def test_a_preview_is_none_of_the_other_files(here: Path) -> None:
    os.symlink("photo.png", "link.png")  # noqa: PTH211 (as a shell has it)
    for name, more in (
        ("photo.png", ()),
        ("link.png", ()),
        (f"../{here.name}/photo.png", ()),
        ("w.png", ("-o", "w.png")),
        ("w.png.ckpt.safetensors.png", ("-o", "w.png.ckpt.safetensors.png")),
        ("log.png", ("--log", "log.png")),
    ):
        message = fail(5, "fit", "photo.png", *TINY, "--preview", name, "--force", *more)
        assert message.startswith(f"{name}: it is the input, the output, its checkpoint or the log")
    assert names(here) == ["link.png", "photo.png"]


def test_several_fits_share_no_file(here: Path) -> None:
    make_sound(here / "tone.wav")
    message = fail(2, "fit", "photo.png", "tone.wav", *TINY, "--preview", "look.png")
    assert message.startswith("--preview look.png is one file, the inputs are 2")
    result = succeed("fit", "photo.png", "tone.wav", *TINY, "--preview", TERMINAL)
    assert result.stderr.count("--preview terminal needs a terminal with colours") == 2


def test_a_place_that_cannot_be_is_found_before_the_fit(here: Path) -> None:
    assert "create no first" in fail(5, "fit", "photo.png", *TINY, "--preview", "no/look.png")
    Path("folder.png").mkdir()
    assert "it is a folder" in fail(5, "fit", "photo.png", *TINY, "--preview", "folder.png")
    assert names(here) == ["photo.png"]


def test_a_picture_that_cannot_be_written_does_not_end_the_fit(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_a_folder_there() -> None:
        Path("look.png").unlink()
        Path("look.png").mkdir()

    stderr = io.StringIO()
    with at_report(monkeypatch, 1, put_a_folder_there):
        fit_with_pictures(stderr=stderr)
    (line,) = stderr.getvalue().splitlines()
    assert line == "sinefit: going on without a preview: look.png: it is a folder; name a file"
    assert Path("photo.safetensors").exists()


def test_it_can_be_a_variable_or_in_a_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("fit.toml").write_text('preview = "a.png"')
    succeed("fit", "photo.png", *TINY, "--config", "fit.toml")
    monkeypatch.setenv("SINEFIT_FIT_PREVIEW", "b.png")
    succeed("fit", "photo.png", *TINY, "--force")
    assert names(here) == ["a.png", "b.png", "fit.toml", "photo.png", "photo.safetensors"]


def test_without_a_terminal_there_is_a_note(here: Path) -> None:
    result = succeed("fit", "photo.png", *TINY, "--preview", TERMINAL)
    (note,) = [line for line in result.stderr.splitlines() if "preview" in line]
    assert note == (
        "sinefit: note: --preview terminal needs a terminal with colours on standard error and the "
        "live bar: going on without"
    )
    assert "▀" not in result.stderr
    assert invoke("fit", "photo.png", *TINY, "--preview", TERMINAL, "-qf").stderr == ""


def test_the_terminal_shows_half_blocks(
    field: Field, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    messages = Messages(Streams(stderr=terminal))
    with ProgressDisplay(messages, "photo.png") as display:
        shown = make_preview(TERMINAL, display, messages)
        assert isinstance(shown, TerminalPreview)
        shown.show(field)
        display.update(0.5, "halfway")
    during = terminal.getvalue()
    assert "\x1b[38;2;" in during
    shown.finish(field)
    lines = terminal.getvalue().removeprefix(during).splitlines()
    # 16 by 12 pixels, of which a line has two rows.
    assert [ESCAPE.sub("", line) for line in lines] == ["▀" * 16] * 6
    assert len(lines) == 6


def test_a_small_terminal_has_a_small_picture(
    field: Field, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "7")
    messages = Messages(Streams(stderr=terminal))
    with ProgressDisplay(messages, "photo.png") as display:
        shown = TerminalPreview(display, messages)
    before = len(terminal.getvalue())
    shown.finish(field)
    lines = ESCAPE.sub("", terminal.getvalue()[before:]).splitlines()
    assert lines == ["▀" * 8] * 3


def test_no_colours_no_picture(
    field: Field, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    messages = Messages(Streams(stderr=terminal))
    with ProgressDisplay(messages, "photo.png") as display:
        shown = TerminalPreview(display, messages)
        shown.show(field)
    shown.finish(field)
    assert "▀" not in terminal.getvalue()
    assert "going on without" in ESCAPE.sub("", terminal.getvalue())


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals there")
def test_on_a_real_terminal(here: Path, forked: Commands) -> None:
    words = ("fit", "photo.png", *TINY, "--preview", TERMINAL)
    status, shown = run_on_terminal(
        *words, cwd=here, environment={"LINES": "30"}, command=forked.words
    )
    assert status == 0
    text = shown.decode()
    assert "\x1b[?25l" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back
    lines = [line.strip("\r") for line in ESCAPE.sub("", text).split("\n")]
    assert lines.count("▀" * 16) >= 6
    assert "dB PSNR as saved" in lines[-4]


def test_where_nothing_can_be_shown_nothing_is_evaluated() -> None:
    messages = Messages(Streams(stderr=io.StringIO()))
    with ProgressDisplay(messages, "photo.png") as display:
        shown = TerminalPreview(display, messages)
    no_field: Any = None
    shown.show(no_field)
    shown.finish(no_field)
