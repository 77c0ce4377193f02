"""What is built of the sources in C, and the wheel that carries it."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from sinefit.native import building

ROOT = Path(__file__).parent.parent.parent
SETTINGS = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "tiny"
version = "1"
[tool.setuptools]
packages = ["tiny"]
[tool.setuptools.cmdclass]
build_ext = "tiny.building.BuildLibraries"
bdist_wheel = "tiny.building.PlatformWheel"
[[tool.setuptools.ext-modules]]
name = "tiny._answer"
sources = ["tiny/answer.c"]
optional = true
"""
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a compiler")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Return the folder of a package that is built as sinefit is, but in a moment."""
    package = tmp_path / "project/tiny"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "answer.c").write_text("int answer(void) { return 42; }\n")
    shutil.copy(building.__file__, package / "building.py")
    (package.parent / "pyproject.toml").write_text(SETTINGS)
    return package.parent


def build(project: Path, kind: str = "wheel", *, compiler: bool = True) -> Path:
    """Build a wheel or an sdist of a project, and return the file."""
    environment = dict(os.environ)
    if not compiler:
        environment.update(PATH=str(project), CC="there-is-none")
    code = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
    place = project.parent / kind
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(place)],
        cwd=project,
        env=environment,
        capture_output=True,
        check=True,
    )
    (found,) = place.iterdir()
    return found


def tag_in(wheel: zipfile.ZipFile) -> str:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/WHEEL")]
    lines = wheel.read(name).decode().splitlines()
    (tag,) = [line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")]
    return tag


@needs_compiler
def test_a_wheel_with_libraries_is_for_a_platform_and_any_python(
    tiny: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(build(tiny)) as wheel:
        tag = tag_in(wheel)
        python, abi, platform = tag.split("-")
        assert (python, abi) == ("py3", "none")
        assert platform != "any"
        assert Path(wheel.filename or "").name == f"tiny-1-{tag}.whl"
        library = ctypes.CDLL(wheel.extract("tiny/_answer.so", tmp_path))
    assert library.answer() == 42


def test_a_wheel_that_nothing_was_compiled_for_is_for_any_platform(tiny: Path) -> None:
    with zipfile.ZipFile(build(tiny, compiler=False)) as wheel:
        assert tag_in(wheel) == "py3-none-any"
        names = wheel.namelist()
    assert "tiny/building.py" in names
    assert not [name for name in names if name.endswith(".so")]


@pytest.mark.slow
@needs_compiler
def test_the_wheel_carries_the_package_and_its_libraries(tmp_path: Path) -> None:
    """As `python -m build` makes it, by way of the source distribution."""
    tree = tmp_path / "tree"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "sinefit", tree / "sinefit", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    with tarfile.open(build(tree, "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    with zipfile.ZipFile(build(unpacked)) as wheel:
        assert tag_in(wheel).startswith("py3-none-")
        names = {name for name in wheel.namelist() if name.startswith("sinefit/")}
    modules = {str(path.relative_to(tree)) for path in (tree / "sinefit").rglob("*.py")}
    assert names == modules | {
        "sinefit/py.typed",
        "sinefit/native/_small_networks.so",
    }
