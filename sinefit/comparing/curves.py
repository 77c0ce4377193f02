"""PSNR over steps, time and operations, as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.analyzing.figures.style import look, panels
from sinefit.comparing.labels import row_labels
from sinefit.errors import SettingError
from sinefit.files import check_output, whole_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from sinefit.comparing.results import CellResult, Comparison, Row

FORMATS: Final = ("svg", "png", "pdf")
RESOLUTION: Final = 200
"""Pixels per inch of a PNG."""
_ACROSS: Final = ("steps", "seconds of training", "operations")
_STYLES: Final = ("-", "--", ":", "-.")
_COLOURS: Final = 10
"""Colours of matplotlib's cycle, after which another style of lines follows."""


def check_curves(target: Path, *, force: bool) -> None:
    """Raise SettingError or OutputError, before long work, for what cannot be drawn or written."""
    _format(target)
    with look("curves"):
        check_output(target, force=force)


def save_curves(comparison: Comparison, target: Path, *, force: bool = False) -> None:
    """Draw the curves of a comparison into a file, SVG, PNG or PDF by its name.

    Raises SettingError for another name and where matplotlib is not installed, OutputError and
    OutputExistsError.
    """
    format = _format(target)
    with look("curves"):
        figure = draw_curves(comparison)
        plain = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
        with whole_output(target, force=force, suffix=f".{format}") as temporary:
            figure.savefig(temporary, format=format, dpi=RESOLUTION, metadata=dict(plain[format]))


def draw_curves(comparison: Comparison) -> Figure:
    """Draw PSNR of the latest batches over steps, time and operations, a row of panels per file.

    A line is the mean over the seeds of a combination, the band around it from the least to the
    most.
    """
    files = list(dict.fromkeys(cell.file for cell in comparison.cells))
    figure, found = panels(len(files), len(_ACROSS), 2.6)
    for number, file in enumerate(files):
        rows = [row for row in comparison.rows if row.first.file == file]
        labels = row_labels(rows)
        for place, what in enumerate(_ACROSS):
            axes = found[number * len(_ACROSS) + place]
            for order, (row, label) in enumerate(zip(rows, labels, strict=True)):
                across, psnr = _along(row, place)
                if len(across) == 0:
                    continue
                style = _STYLES[order // _COLOURS % len(_STYLES)]
                colour = f"C{order % _COLOURS}"
                mean = psnr.mean(axis=0)
                axes.plot(across, mean, style, color=colour, label=label)
                axes.fill_between(
                    across, psnr.min(axis=0), psnr.max(axis=0), color=colour, alpha=0.15, lw=0
                )
            axes.set_xlabel(what)
            if place == 0:
                axes.set_ylabel("PSNR of the batches, dB")
                axes.set_title(Path(file).name, loc="left")
        if any(row.first.curve for row in rows):  # a fit of a few steps has no points
            found[(number + 1) * len(_ACROSS) - 1].legend(fontsize="small")
    return figure


def _along(row: Row, place: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where a row's points are, mean over its seeds, and their PSNR (seeds, points)."""
    most = min(len(cell.curve) for cell in row.cells)
    across = np.array([_places(cell, place)[:most] for cell in row.cells])
    psnr = np.array([[psnr for *_, psnr in cell.curve[:most]] for cell in row.cells])
    return across.mean(axis=0), psnr


def _places(cell: CellResult, place: int) -> list[float]:
    if place == 1:
        return [seconds for _, seconds, _ in cell.curve]
    each = 1.0 if place == 0 else cell.operations / max(1, cell.steps)
    return [step * each for step, *_ in cell.curve]


def _format(target: Path) -> str:
    format = target.suffix.removeprefix(".").lower()
    if format not in FORMATS:
        names = ", ".join(FORMATS)
        raise SettingError(f"`curves` is {target}: its name must end in one of {names}")
    return format
