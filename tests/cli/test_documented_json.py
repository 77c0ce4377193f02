"""What `info --schema` tells: all keys that are printed and stored, and no other."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from sinefit.cli.app import app
from sinefit.fields.weights_file import encode_field
from tests.fields.making import field_of_blocks, take_apart

from .making import TINY, make_array, make_picture, make_sound

if TYPE_CHECKING:
    from pathlib import Path

STAMP = {"log_version", "time", "elapsed", "event"}


def keys_of(value: Any) -> set[str]:
    """Return all keys of an object and of those in it."""
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a signal of three kinds and their weights."""
    folder = tmp_path_factory.mktemp("json")
    make_picture(folder / "photo.png")
    make_sound(folder / "tone.wav")
    make_array(folder / "array.npy")
    for name in ("photo.png", "tone.wav", "array.npy"):
        assert run(folder, "fit", name, *TINY, "-q").exit_code == 0
    stack = ("--stack", "stack.safetensors")
    assert run(folder, "fit", "photo.png", *TINY, *stack, "-q").exit_code == 0
    return folder


def run(folder: Path, *words: object) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return CliRunner().invoke(app, [str(word) for word in words])


DIVERGING = ("--steps", 3000, "--width", 16, "--depth", 2, "--batch", 50, "--lr", 100)
FIELDS = ("photo.safetensors", "tone.safetensors", "array.safetensors")
SIGNALS = ("photo.png", "tone.wav", "array.npy")
SOLVED = ("--steps", 2, "--width", 8, "--depth", 2, "--points", 16, "--threads", 1, "-f")
COMMANDS: dict[str, list[tuple[object, ...]]] = {
    "fit": [("fit", name, *TINY, "-f") for name in SIGNALS],
    "fit, failed": [
        ("fit", "missing.png"),
        ("fit", "photo.png", *DIVERGING, "-o", "diverged", "-f"),
    ],
    "fit --dry-run": [("fit", "photo.png", "--dry-run")],
    "upscale": [("upscale", name, *TINY, "-f") for name in SIGNALS],
    "upscale --dry-run": [("upscale", "photo.png", "--dry-run")],
    "info of a field": [("info", name) for name in FIELDS],
    "info of a stack": [("info", "stack.safetensors")],
    "info of a signal": [("info", name) for name in SIGNALS],
    "eval": [("eval", *pair) for pair in zip(FIELDS, SIGNALS, strict=True)],
    "compare": [("compare", "photo.png", *TINY[:-2], "--seeds", 1, "--holdout", "grid:2")],
    "analyze": [
        ("analyze", "photo.safetensors", "--signal", "photo.png"),
        ("analyze", "--init", "tuner", "--width", 24),
    ],
    "reproduce": [("reproduce",), ("reproduce", "simple-variance")],
    "solve": [("solve",), ("solve", "heat", *SOLVED)],
    "inits": [("inits",)],
    "networks": [("networks",)],
}
OF_OTHERS = {"settings"}
"""What weights files of sine networks do not have."""


def told(folder: Path, section: str) -> dict[str, set[str]]:
    """Return the keys of every object or record of a section."""
    schema = json.loads(run(folder, "info", "--schema", "--json").stdout)
    return {name: set(keys) - {"and"} for name, keys in schema[section].items()}


@pytest.mark.parametrize("row", COMMANDS)
def test_every_key_of_an_object_is_documented(row: str, folder: Path) -> None:
    documented, parts = told(folder, "objects"), told(folder, "weights_file")
    assert set(documented) == set(COMMANDS)
    keys = documented[row]
    if row == "fit, failed":
        keys |= documented["fit"]
    if row == "info of a stack":
        keys |= parts["network"] - OF_OTHERS
    elif row.startswith("info"):
        keys |= {"signal", "icc_profile", "soundtrack"}
        for name in ("signal", "network", "fit") if "field" in row else ("signal",):
            keys |= parts[name]
    printed = set()
    for command in COMMANDS[row]:
        lines = run(folder, *command, "--json").stdout.splitlines()
        assert lines
        for line in lines:
            printed |= keys_of(json.loads(line))
    if "field" in row:
        keys -= OF_OTHERS
    assert printed == keys | {"json_version"}


def test_what_a_weights_file_holds_is_documented(folder: Path) -> None:
    content = (folder / "photo.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    stored, parts = header["__metadata__"], told(folder, "weights_file")
    assert set(stored) | {"blocks", "fields"} == set(parts)
    blocks = take_apart(encode_field(field_of_blocks(2)))[0]["__metadata__"]["blocks"]
    assert set(json.loads(blocks)) == parts["blocks"]
    mapping = {"coordinates", "targets"}
    for name in ("network", "signal", "fit"):
        assert set(json.loads(stored[name])) == parts[name] - OF_OTHERS - mapping
    # The usual mapping is not named.
    unusual = field_of_blocks()
    unusual = replace(unusual, spec=replace(unusual.spec, targets="0,1"))
    signal = take_apart(encode_field(unusual))[0]["__metadata__"]["signal"]
    assert set(json.loads(signal)) == parts["signal"]


def test_a_weights_file_holds_the_settings_of_its_network(folder: Path) -> None:
    options = ("--network", "finer:omega=7", *TINY, "-q", "-o", "finer.safetensors", "-f")
    assert run(folder, "fit", "photo.png", *options).exit_code == 0
    told_of = json.loads(run(folder, "info", "finer.safetensors", "--json").stdout)["network"]
    assert set(told_of) == told(folder, "weights_file")["network"]
    assert told_of["settings"] == {"omega": 7.0, "first_bias": 0.0}


def test_people_read_the_same_in_lines_that_fit(folder: Path) -> None:
    text = run(folder, "info", "--schema").stdout
    assert max(map(len, text.splitlines())) <= 100
    words = set(text.split())
    for section in ("objects", "events", "weights_file"):
        for keys in told(folder, section).values():
            assert keys <= words | {""}


def test_every_key_of_a_record_is_documented(folder: Path) -> None:
    documented, objects = told(folder, "events"), told(folder, "objects")
    documented["end"] |= objects["fit"] | objects["upscale"] | objects["eval"] | objects["solve"]
    documented["end"] -= {"equations", "formula", "truth", "reached", "reference"}
    documented["end"] -= {"parameters", "default", "range", "help"}
    documented["end"] -= {"channel", "name", "step", "value"}  # within lists
    shown: dict[str, set[str]] = {}
    for words in (
        ("fit", "photo.png", "tone.wav", *TINY, "-f"),
        ("fit", "missing.png", *TINY),
        ("fit", "photo.png", "--downsample", "999"),
        ("upscale", "photo.png", *TINY, "-o", "large.png"),
        ("render", "photo.safetensors", "-o", "again.jpg"),
        ("eval", "photo.safetensors", "photo.png"),
        ("solve", "heat", *SOLVED),
    ):
        stderr = run(folder, *words, "--progress", "json").stderr
        for line in stderr.splitlines():
            if line.startswith("{"):
                record = json.loads(line)
                shown.setdefault(record["event"], set()).update(record)
    everywhere = {"output", "format", "original"}
    for event, keys in shown.items():
        (row,) = [row for row in documented if event in row.split(", ")]
        expected = documented[row]
        if event in ("progress", "end"):
            expected |= everywhere
        assert keys == expected | STAMP, event
    assert {name for row in documented for name in row.split(", ")} == {*shown, "note"}
