"""Files to fit, settings of fits that take no time, and stops at a known moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import sinefit

TINY: dict[str, Any] = {"steps": 5, "width": 16, "depth": 2, "threads": 1, "device": "cpu"}
BRIEF: dict[str, Any] = {**TINY, "steps": 170, "batch": 50}
"""A fit that reports at the steps 50, 100 and 150."""
FILES = ("a.png", "b.png", "c.png")
"""Two pictures and a file that is none, which the folder `here` has."""


def make_picture(path: Path, *, size: tuple[int, int] = (16, 12), phase: float = 0.0) -> Path:
    """Save a smooth picture of `size` (width, height)."""
    width, height = size
    rows, columns, channel = np.ogrid[0:height, 0:width, 0:3]
    values = 127.5 + 60.0 * np.sin(rows / 3.0 + channel + phase) + 60.0 * np.cos(columns / 4.0)
    Image.fromarray(values.astype(np.uint8)).save(path)
    return path


def touch(*names: str) -> None:
    """Make empty files, and the folders that they lie in."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def names(folder: Path) -> list[str]:
    """Return what lies in a folder and below, hidden files too, in order of name."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


class StopAt:
    """Asks to stop from the report of this number on, from 1."""

    def __init__(self, report: int) -> None:
        self._left = report

    def look(self, *_: object) -> None:
        """Count a report."""
        self._left -= 1

    def __call__(self) -> bool:
        return self._left <= 0


def stop_a_fit(folder: Path) -> None:
    """Leave a picture in the present folder, and the checkpoint of its stopped fit."""
    make_picture(folder / "photo.png")
    stop = StopAt(2)
    sinefit.fit_many("photo.png", on_progress=stop.look, should_stop=stop, **BRIEF)
