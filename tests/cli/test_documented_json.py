"""The tables of JSON in the README and `info --schema`: all keys that are printed, and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from sinefit.cli.app import app

from .making import TINY, make_array, make_picture, make_sound

if TYPE_CHECKING:
    from collections.abc import Callable

README = (Path(__file__).parents[2] / "README.md").read_text()
WEIGHTS_FILE = README.partition("\n## Weights file\n")[2]
STAMP = {"log_version", "time", "elapsed", "event"}


def rows(table: str) -> dict[str, set[str]]:
    """Return the words in code letters of each row of a table, by those of its first column."""
    text = README.partition(f"<!-- {table}")[2].partition(f"<!-- end of {table}")[0]
    found = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            _, first, *rest = line.split("|")
            found[first.strip().replace("`", "")] = set(re.findall(r"`(\w+)`", "|".join(rest)))
    return found


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
    return folder


def run(folder: Path, *words: object) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return CliRunner().invoke(app, [str(word) for word in words])


DIVERGING = ("--steps", 3000, "--width", 16, "--depth", 2, "--batch", 50, "--lr", 100)
FIELDS = ("photo.safetensors", "tone.safetensors", "array.safetensors")
SIGNALS = ("photo.png", "tone.wav", "array.npy")
COMMANDS: dict[str, list[tuple[object, ...]]] = {
    "fit": [("fit", name, *TINY, "-f") for name in SIGNALS],
    "fit, failed": [
        ("fit", "missing.png"),
        ("fit", "photo.png", *DIVERGING, "-o", "diverged", "-f"),
    ],
    "fit --dry-run": [("fit", "photo.png", "--dry-run")],
    "info of a field": [("info", name) for name in FIELDS],
    "info of a signal": [("info", name) for name in SIGNALS],
    "eval": [("eval", *pair) for pair in zip(FIELDS, SIGNALS, strict=True)],
    "inits": [("inits",)],
}


def of_the_readme(_folder: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return the keys by object, and those of the parts of a weights file."""
    parts = {}
    for name in ("signal", "network", "fit"):
        (line,) = re.findall(rf"^\| `{name}` \| (.*) \|$", WEIGHTS_FILE, re.MULTILINE)
        parts[name] = set(re.findall(r"`(\w+)`", line)) - {"grid", "sphere"}
    return rows("objects"), parts


def of_the_schema(folder: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return the same as `info --schema` has it."""
    told = json.loads(run(folder, "info", "--schema", "--json").stdout)
    objects, parts = (
        {row: set(keys) - {"and"} for row, keys in told[section].items()}
        for section in ("objects", "weights_file")
    )
    return objects, parts


@pytest.mark.parametrize("source", [of_the_readme, of_the_schema])
@pytest.mark.parametrize("row", COMMANDS)
def test_every_key_of_an_object_is_documented(
    row: str, source: Callable[[Path], Any], folder: Path
) -> None:
    documented, parts = source(folder)
    assert set(documented) == set(COMMANDS)
    keys = documented[row]
    if row == "fit, failed":
        keys |= documented["fit"]
    if row.startswith("info"):
        keys |= {"signal", "icc_profile", "soundtrack"}
        for name in ("signal", "network", "fit") if "field" in row else ("signal",):
            keys |= parts[name]
    printed = set()
    for command in COMMANDS[row]:
        lines = run(folder, *command, "--json").stdout.splitlines()
        assert lines
        for line in lines:
            printed |= keys_of(json.loads(line))
    assert printed == keys | {"json_version"}


def test_every_key_of_a_record_is_documented(folder: Path) -> None:
    documented = rows("records")
    objects = rows("objects")
    documented["end"] |= objects["fit"] | objects["eval"]
    shown: dict[str, set[str]] = {}
    for words in (
        ("fit", "photo.png", "tone.wav", *TINY, "-f"),
        ("fit", "missing.png", *TINY),
        ("fit", "photo.png", "--downsample", "999"),
        ("render", "photo.safetensors", "-o", "again.jpg"),
        ("eval", "photo.safetensors", "photo.png"),
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
        expected -= {"fit", "eval"}
        assert keys == expected | STAMP, event
    assert {name for row in documented for name in row.split(", ")} == {*shown, "note"}
