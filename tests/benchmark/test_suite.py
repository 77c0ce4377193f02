from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sinefit.api.files import write
from sinefit.benchmark.suite import run_benchmark
from sinefit.errors import DeviceError, InputError
from sinefit.native.instruction_sets import instruction_sets
from tests.fitting.making import picture

from .making import TINY, ignore

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
import json, sys
from pathlib import Path
if "bad" in sys.argv[-1]:
    sys.exit("sinefit: error: it is bad")
size = Path(sys.argv[-1]).stat().st_size
print(json.dumps(dict(psnr=1, psnr_float=2, steps=size, samples_per_second=3, seconds=4)))
"""
COMMAND = (sys.executable, "-c", CODE)
"""Stands for the command: it tells the size of the file as its steps."""


def test_without_files_all_is_about_the_drawn_picture() -> None:
    told: list[str] = []
    found = run_benchmark([], TINY, device="cpu", command=COMMAND, tell=told.append)
    assert (found.picture, found.shape) == ("drawn.png", (12, 12))
    assert (found.size.width, found.size.depth) == (32, 2)
    (fit,) = found.fits
    assert fit.file == "drawn.png"
    assert fit.steps > 100  # a real file
    assert found.failures == ()
    assert found.pace.samples == 144
    assert found.rendering.complete
    assert {line.partition(":")[0] for line in told} == {
        *("peak", "sets", "pace", "race", "render", "fit")
    }
    assert len(found.sets) == len(instruction_sets())


def test_files_are_fitted_and_the_first_picture_is_raced_on(tmp_path: Path) -> None:
    numbers, bad = tmp_path / "numbers.npy", tmp_path / "bad.npy"
    for path in (numbers, bad):
        np.save(path, np.arange(12.0))
    photo = tmp_path / "photo.png"
    write(picture((9, 30)), photo)
    files = [str(path) for path in (numbers, bad, photo)]
    found = run_benchmark(files, TINY, device="cpu", command=COMMAND, tell=ignore)
    assert (found.picture, found.shape) == ("photo.png", (9, 12))
    assert found.size.out_features == 1
    assert [(fit.file, fit.steps) for fit in found.fits] == [
        (str(path), path.stat().st_size) for path in (numbers, photo)
    ]
    assert found.failures == ((str(bad), f"{bad}: it is bad"),)


def test_errors_come_before_any_work(tmp_path: Path) -> None:
    told: list[str] = []
    missing = str(tmp_path / "missing.png")
    with pytest.raises(InputError, match="does not exist"):
        run_benchmark([missing], TINY, device="cpu", command=COMMAND, tell=told.append)
    with pytest.raises(DeviceError, match="`device` is cuda:99"):
        run_benchmark([], TINY, device="cuda:99", command=COMMAND, tell=told.append)
    assert told == []
