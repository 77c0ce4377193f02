"""The rooms of the package: imports go downwards only, types included."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import sinefit

PACKAGE = Path(sinefit.__file__).parent
# From the bottom up. A room may import from those below it and from itself.
FLOORS = (
    ("descriptors", "errors", "version"),
    ("files", "forks", "memory", "metrics", "processor", "validation"),
    ("networks", "signals"),
    ("native",),
    ("engines",),
    ("initializers", "rendering"),
    ("theory",),
    ("fields",),
    ("fitting",),
    ("comparing",),
    ("api",),
    ("benchmark",),
    ("cli",),
    ("__init__", "__main__"),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            names = [node.module]
            if node.module == "sinefit":
                names = [f"sinefit.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("sinefit.")}
    return rooms


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: room_of(path))
def test_imports_go_down(path: Path) -> None:
    room = room_of(path)
    for other in imported_rooms(path) - {room}:
        assert FLOOR[other] < FLOOR[room], f"{path} imports {other}"


def test_the_library_does_not_know_the_command_line() -> None:
    library = [path for path in PACKAGE.rglob("*.py") if room_of(path) not in ("cli", "__main__")]
    for path in library:
        for forbidden in (r"\bprint\(", r"\bimport (typer|rich)\b", r"\benviron\b", r"sys\.exit"):
            assert re.search(forbidden, path.read_text()) is None, f"{path} has {forbidden}"
