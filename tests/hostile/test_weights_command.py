"""The command line over hostile weights files and checkpoints: one line, nothing else, exit 3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from .checkpoints import checkpoint_file
from .specimens import specimen
from .test_command import refuse
from .weights import (
    blocks_file,
    put_together,
    take_apart,
    weights_file,
    with_part,
    with_tensor,
    without_metadata,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHOLE = weights_file()
BLOCKS = blocks_file()
TEXT, TENSORS = take_apart(WHOLE)

WEIGHTS = {
    "empty": b"",
    "one byte short": WHOLE[:-1],
    "cut within its header": WHOLE[:100],
    "a picture by its content": specimen("png"),
    "no header but its length": b"\xff" * 8 + b"{}",
    "a header of too many bytes": (2**40).to_bytes(8, "little") + TEXT + TENSORS,
    "a header that is no object": put_together(b"{[1, 2]}", b""),
    "absurd shape of a tensor": with_tensor(WHOLE, "layers.0.weight", shape=[2**40, 2**40]),
    "absurd place of a tensor": with_tensor(WHOLE, "layers.0.weight", data_offsets=[0, 2**50]),
    "tensors that overlap": with_tensor(WHOLE, "layers.1.weight", data_offsets=[0, 100]),
    "absurd network": with_part(WHOLE, "network", width=2**19, depth=2**19),
    "absurd signal": with_part(WHOLE, "signal", shape=[2**39, 2**39]),
    "negative size": with_part(WHOLE, "signal", shape=[-4, 6]),
    "a size that is no whole number": with_part(WHOLE, "signal", shape=[4.5, 6]),
    "zero length": with_part(WHOLE, "signal", shape=[0, 6]),
    "wrong type of a tensor": with_tensor(WHOLE, "layers.0.weight", dtype="I32"),
    "unknown type of a tensor": with_tensor(WHOLE, "layers.0.bias", dtype="Q7"),
    "wrong type of samples": with_part(WHOLE, "signal", dtype="uint9"),
    "wrong number of channels": with_part(WHOLE, "signal", channels=4),
    "no metadata": without_metadata(WHOLE),
    "no version": without_metadata(WHOLE, "format_version"),
    "no signal": without_metadata(WHOLE, "signal"),
    "no fit": without_metadata(WHOLE, "fit"),
    "another width than the tensors": with_part(WHOLE, "network", width=9),
    "a sound with two axes": with_part(WHOLE, "signal", kind="audio"),
    "a picture that is a sphere": with_part(WHOLE, "signal", domain="cube"),
    "range upside down": with_part(WHOLE, "signal", low=255.0, high=0.0),
    "range that is not finite": with_part(WHOLE, "signal", high="inf"),
    "unknown version": WHOLE.replace(b'"format_version":"1"', b'"format_version":"7"'),
    "no word of blocks": without_metadata(BLOCKS, "blocks"),
    "version of a single block": BLOCKS.replace(b'"format_version":"2"', b'"format_version":"1"'),
    "absurd number of blocks": with_part(BLOCKS, "blocks", counts=[2**60, 2**60]),
    "blocks along other axes": with_part(BLOCKS, "blocks", counts=[3, 2]),
    "absurd margin of blocks": with_part(BLOCKS, "blocks", margins=[2**60, 1]),
    "more blocks than tensors have": with_part(BLOCKS, "blocks", counts=[4, 3]),
    "weights that are not finite": put_together(TEXT, np.float32(np.nan).tobytes() + TENSORS[4:]),
}

CHECKPOINTS: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "one byte short": lambda: checkpoint_file()[:-1],
    "a finished field": lambda: WHOLE,
    "a picture by its content": lambda: specimen("png"),
    "no settings": lambda: with_part(checkpoint_file(), "checkpoint", settings=None),
    "absurd settings": lambda: with_part(checkpoint_file(), "checkpoint", settings={"steps": -1}),
    "no standing": lambda: with_part(checkpoint_file(), "checkpoint", standing=[]),
    "no origin": lambda: with_part(checkpoint_file(), "checkpoint", origin={}),
    "absurd signal": lambda: with_part(checkpoint_file(), "signal", shape=[2**39, 2**39]),
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("damage", WEIGHTS)
def test_render_refuses_in_one_line_and_leaves_nothing(tmp_path: Path, damage: str) -> None:
    assert WEIGHTS[damage] != WHOLE
    (tmp_path / "a.safetensors").write_bytes(WEIGHTS[damage])
    assert "a.safetensors" in refuse("render", "a.safetensors", "-o", "out.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize("damage", ["one byte short", "absurd signal", "unknown version"])
def test_other_commands_refuse_it_too(tmp_path: Path, damage: str) -> None:
    (tmp_path / "a.safetensors").write_bytes(WEIGHTS[damage])
    (tmp_path / "a.png").write_bytes(specimen("png"))
    assert "a.safetensors" in refuse("eval", "a.safetensors", "a.png")
    assert "a.safetensors" in refuse("fit", "a.png", "--from", "a.safetensors", "-qo", "b")
    assert "standard input" in refuse("render", "-", "-o", "out.png", stdin=WEIGHTS[damage])


@pytest.mark.parametrize("damage", [name for name in WEIGHTS if "picture by" not in name])
def test_info_refuses_what_render_refuses(tmp_path: Path, damage: str) -> None:
    (tmp_path / "a.safetensors").write_bytes(WEIGHTS[damage])
    assert "a.safetensors" in refuse("info", "a.safetensors")


@pytest.mark.parametrize("damage", CHECKPOINTS)
def test_resuming_refuses_in_one_line_and_keeps_the_file(tmp_path: Path, damage: str) -> None:
    content = CHECKPOINTS[damage]()
    path = tmp_path / "a.ckpt.safetensors"
    path.write_bytes(content)
    assert path.name in refuse("fit", "--resume", path.name)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]
