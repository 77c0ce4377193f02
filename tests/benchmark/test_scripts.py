"""The scripts beside the tests, which no test run collects: they go with the package as it is."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.benchmarks.first_run.fits import CHILDREN
from tests.benchmarks.first_run.run import Run

SCRIPTS = sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_finds_what_it_imports(path: Path) -> None:
    assert callable(runpy.run_path(str(path))["main"])


LACKING = """
import runpy, sys
for name in ("soundfile", "imageio_ffmpeg", "typer", "rich", "scipy", "hypothesis"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_gpu_script_runs_without_a_gpu_and_with_little_installed(tmp_path: Path) -> None:
    (path,) = [path for path in SCRIPTS if path.name == "gpu.py"]
    apart = {"starts", "needs", "tests"}  # these start processes of their own
    sections = [name for name in runpy.run_path(str(path))["SECTIONS"] if name not in apart]
    command = [sys.executable, "-c", LACKING, str(path), "--device", "cpu", "--toy"]
    process = subprocess.run(
        [*command, "--report", str(tmp_path), "--only", ",".join(sections)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert list(found) == sections
    assert [(name, rows) for name, rows in found.items() if isinstance(rows, str)] == []
    assert "| width | batch |" in (tmp_path / "gpu.md").read_text()
    assert all(row["repeats"] and row["resumes"] for row in found["repeats"])


@pytest.mark.parametrize("name", CHILDREN)
def test_what_the_gpu_script_does_in_processes_of_their_own(name: str) -> None:
    found = CHILDREN[name](Run(torch.device("cpu"), toy=True, files=(), end=0.0))
    assert found["steps"] > 0
    assert found["notices"] == "none"
