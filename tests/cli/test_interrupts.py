"""Ctrl-C as a person types it: a key on a terminal, which the system turns into a signal."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from sinefit.cli.environment import LIMIT_VARIABLE
from sinefit.fields.weights_file import read_field

from .making import TINY, make_picture, press_on_terminal, succeed
from .stops import names

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = ("--width", "16", "--depth", "2", "--threads", "1", "--omega", "30")
CTRL_C = b"\x03"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    make_picture(tmp_path / "photo.png")
    return tmp_path


def test_the_first_ctrl_c_keeps_the_fit(here: Path) -> None:
    fit = ("fit", "photo.png", *NETWORK, "--max-time", "5m")
    status, shown = press_on_terminal(*fit, cwd=here, keys=[(b"step ", CTRL_C)])
    assert status == 130
    assert b"Traceback" not in shown
    assert names(here) == ["photo.ckpt.safetensors", "photo.png"]
    assert read_field(here / "photo.ckpt.safetensors").record.steps > 0
    last = shown.strip().splitlines()[-1].decode()
    program, *words = shlex.split(last.partition("go on with: ")[2])
    assert program == "sinefit"
    assert words == ["fit", "--resume", "photo.ckpt.safetensors", "--threads", "1"]


def test_the_second_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    # One step, of many short operations, takes minutes, so that no end of a step comes between.
    # The checkpoint before it tells that it begins. Two keys within one operation are one.
    make_picture(tmp_path / "photo.png", size=(512, 512))
    huge = ("--batch", "260000", "--width", "512", "--depth", "16", "--threads", "1")
    status, shown = press_on_terminal(
        *("fit", "photo.png", *huge, "--steps", "9", "--omega", "30"),
        *("--checkpoint-every", "0", "-v"),
        cwd=tmp_path,
        environment={LIMIT_VARIABLE: "avx2"},
        keys=[(b"checkpoint after 0 steps", CTRL_C), *[(b"^C", CTRL_C)] * 3],
    )
    assert status == 130, shown
    assert b"Traceback" not in shown
    assert b"sinefit: error: stopped" in shown
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")  # the cursor is back
    assert names(tmp_path) == ["photo.ckpt.safetensors", "photo.png"]


@pytest.mark.parametrize("command", [("render", "photo.safetensors", "--scale", "2000")])
def test_ctrl_c_ends_what_keeps_nothing(command: tuple[str, ...], here: Path) -> None:
    succeed("fit", here / "photo.png", *TINY, "-q")
    before = names(here)
    status, shown = press_on_terminal(*command, "-o", "x.png", cwd=here, keys=[(b"left", CTRL_C)])
    assert status == 130
    assert shown.splitlines()[-1].endswith(b"sinefit: error: stopped\x1b[0m")
    assert names(here) == before
