"""The rooms of the package: imports go downwards only, types included."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sinefit

PACKAGE = Path(sinefit.__file__).parent
# From the bottom up. A room may import from those below it and from itself.
FLOORS = (
    ("descriptors", "errors", "version"),
    ("files", "forks", "memory", "metrics", "processor", "validation"),
    ("parameters", "settings"),
    ("notation",),
    ("networks", "signals"),
    ("native",),
    ("engines",),
    ("initializers", "rendering"),
    ("theory",),
    ("fields",),
    ("exporting", "fitting"),
    ("analyzing", "describing", "jobs", "picturing", "scoring", "solving"),
    ("cluster",),
    ("comparing", "upscaling", "view"),
    ("api",),
    ("benchmark",),
    ("reproducing",),
    ("cli",),
    ("__init__", "__main__"),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


# The same inside the room of signals; of the kinds, videos build on images, their frames.
SIGNAL_FLOORS = (
    ("cosine_series", "limits", "signal", "storage", "table", "writer"),
    ("grid", "masks", "media", "selection"),
    ("blocks",),
    ("array", "audio", "image"),
    ("video",),
    ("containers", "formats", "unsupported"),
    ("sniffing",),
    ("reading", "writing"),
    ("objects",),
    ("__init__",),
)
# And inside the command line.
CLI_FLOORS = (
    ("environment", "variables", "words"),
    ("flags",),
    ("failures",),
    ("terminal",),
    ("exit_codes", "options"),
    ("stopping", "usage", "weights"),
    ("help_text",),
    (
        "analyze",
        "bench",
        "compare",
        "evaluate",
        "export",
        "fit",
        "info",
        "inits",
        "networks",
        "render",
        "reproduce",
        "score",
        "solve",
        "view",
    ),
    ("upscale",),
    ("commands",),
    ("app",),
    ("__init__",),
)
INNER_FLOORS = {"cli": CLI_FLOORS, "signals": SIGNAL_FLOORS}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    """Names of modules and packages below the package, such as "signals.image.reading".

    Those that a function imports are among them.
    """
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name for name in below if is_module(name)] or [node.module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        modules |= {name.removeprefix("sinefit.") for name in names if name.startswith("sinefit.")}
    return modules


def is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def imported_rooms(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imported_modules(path)}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: room_of(path))
def test_imports_go_down(path: Path) -> None:
    room = room_of(path)
    for other in imported_rooms(path) - {room}:
        assert FLOOR[other] < FLOOR[room], f"{path} imports {other}"


@pytest.mark.parametrize(
    ("room", "path"),
    [
        pytest.param(room, path, id=str(path.relative_to(PACKAGE)))
        for room in INNER_FLOORS
        for path in sorted((PACKAGE / room).rglob("*.py"))
    ],
)
def test_imports_go_down_inside_a_room(room: str, path: Path) -> None:
    floor = {part: number for number, parts in enumerate(INNER_FLOORS[room]) for part in parts}
    part = path.relative_to(PACKAGE / room).parts[0].removesuffix(".py")
    parts = {
        module.split(".")[1] for module in imported_modules(path) if module.startswith(f"{room}.")
    }
    for other in parts - {part}:
        assert floor[other] < floor[part], f"{path} imports {other}"


@pytest.mark.parametrize("room", ["signals", "analyzing", "reproducing", "jobs", "solving", "cli"])
def test_a_room_has_no_circles(room: str) -> None:
    """Imports in functions count, and those for types; commands are loaded by name and do not."""
    modules = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): imported_modules(path)
        for path in (PACKAGE / room).rglob("*.py")
    }
    assert len(list(TopologicalSorter(modules).static_order())) >= len(modules)


def test_the_library_does_not_know_the_command_line() -> None:
    library = [path for path in PACKAGE.rglob("*.py") if room_of(path) not in ("cli", "__main__")]
    for path in library:
        for forbidden in (r"\bprint\(", r"\bimport (typer|rich)\b", r"\benviron\b", r"sys\.exit"):
            assert re.search(forbidden, path.read_text()) is None, f"{path} has {forbidden}"
