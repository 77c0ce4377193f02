"""The library names settings in backquotes; the command line says their flags."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sinefit
from sinefit.cli.commands import load_command
from sinefit.cli.flags import flags, with_flags
from tests.cli.making import fail, invoke, make_picture

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(sinefit.__file__).parent
LIBRARY_ONLY = {"engine", "fields", "name", "source", "subtype"}
"""Settings that the command line does not offer."""


def texts_of(path: Path) -> Iterator[str]:
    """Yield the string literals of a module that are no documentation."""
    tree = ast.parse(path.read_text())
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        is_documentation = isinstance(parents.get(node), ast.Expr)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not is_documentation:
            yield node.value


LIBRARY = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in ("cli", "benchmark")
)


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_library_names_settings_and_no_flags(path: Path) -> None:
    for text in texts_of(path):
        assert re.search(r"(^|[ (])--[a-z]", text) is None, text
        for name in re.findall(r"`([^`]*)`", text):
            assert name in flags() or name in LIBRARY_ONLY, text


def test_every_flag_is_one_of_a_command() -> None:
    offered = {
        flag
        for command in ("fit", "render", "view", "analyze", "compare", "score")
        for parameter in load_command(command).params
        for flag in parameter.opts
    }
    assert set(flags().values()) <= offered


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("`learning_rate` is 0: it must be greater than 0", "--lr is 0: it must be greater than 0"),
        ("give `steps`, `max_time` or more", "give --steps, --max-time or more"),
        ("`subtype` has no effect on `a`.png", "`subtype` has no effect on `a`.png"),
    ],
)
def test_settings_become_flags(message: str, expected: str) -> None:
    assert with_flags(message) == expected


def test_errors_and_notes_name_flags(tmp_path: Path) -> None:
    picture = make_picture(tmp_path / "a.png")
    assert "--steps is 0: it must be" in fail(2, "fit", picture, "--steps", "0")
    assert "--start is for audio and video" in fail(2, "fit", picture, "--start", "1s")
    weights = tmp_path / "a.safetensors"
    invoke("fit", picture, "--steps", 1, "--width", 4, "--depth", 1, "--threads", 1)
    done = invoke("render", weights, "-o", tmp_path / "b.png", "--quality", "7", "--threads", 1)
    assert "note: png is lossless: --quality has no effect" in done.stderr
