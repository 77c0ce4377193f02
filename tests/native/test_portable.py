"""The sources in C on 64-bit ARM, where a compiler and an emulator for it are at hand."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
ARM, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"


def built(compiler: str, target: Path) -> Path:
    """Compile the program with the sources of the library, without a single warning."""
    (library,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "ext-modules"
    ]
    subprocess.run(
        [
            *(compiler, "-std=gnu11", "-O3", "-Wall", "-Wextra", "-Werror", "-pthread", "-static"),
            *("-I", ROOT / "sinefit/native", "-o", target, Path(__file__).with_name("portable.c")),
            *(ROOT / source for source in library["sources"]),
            "-lm",
        ],
        check=True,
    )
    return target


def printed(*command: str | Path) -> np.ndarray:
    run = subprocess.run(command, check=True, capture_output=True)
    return np.array(run.stdout.split(), dtype=np.float64)


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("cc") and shutil.which(ARM) and shutil.which(EMULATOR)),
    reason="no compiler or no emulator for 64-bit ARM",
)
def test_arm_computes_what_this_processor_does(tmp_path: Path) -> None:
    here = printed(built("cc", tmp_path / "here"))
    there = printed(EMULATOR, built(ARM, tmp_path / "there"))
    assert len(here) > 5000
    assert np.ptp(here) > 1
    np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-4)
