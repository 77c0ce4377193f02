"""A comparison as a table for people, and as comma-separated values."""

from __future__ import annotations

import csv
import dataclasses
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.comparing.labels import differing
from sinefit.comparing.results import FIGURES, HIGHER, CellResult

if TYPE_CHECKING:
    from sinefit.comparing.results import Comparison, Row

_HEADS: Final = {
    "psnr": "PSNR dB",
    "psnr_holdout": "held out",
    "psnr_gradient": "gradient",
    "ssim": "SSIM",
    "samples_per_second": "samples/s",
    "seconds": "seconds",
}
_DIGITS: Final = {"ssim": 4, "samples_per_second": 0, "seconds": 1}
BEST: Final = "*"
"""What marks the best mean of a column."""


@dataclass(frozen=True)
class Table:
    """Texts in rows, the first of them heads."""

    title: str
    rows: tuple[tuple[str, ...], ...]

    def lines(self) -> list[str]:
        """Return the title and the rows in columns of equal width, numbers to the right."""
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        found = [self.title]
        for row in self.rows:
            cells = [
                text.ljust(width) if place == 0 else text.rjust(width)
                for place, (text, width) in enumerate(zip(row, widths, strict=True))
            ]
            found.append("  ".join(cells).rstrip())
        return found


def tables(comparison: Comparison) -> list[Table]:
    """Return a table per file: a row per combination, means over the seeds and their spread.

    The best mean of a column is marked. Columns in which all rows agree, or have nothing, are left
    out where they are settings or figures that the signal has not.
    """
    found = []
    for file in dict.fromkeys(cell.file for cell in comparison.cells):
        rows = [row for row in comparison.rows if row.first.file == file]
        seeds = max(len(row.cells) for row in rows)
        settings = differing(rows)
        figures = [name for name in FIGURES if any(row.mean(name) is not None for row in rows)]
        others = any(row.first.settings for row in rows)
        heads = ("start", *settings, *(["settings"] if others else []), *map(_HEADS.get, figures))
        body = [
            (
                row.first.start,
                *(_plain(getattr(row.first, name)) for name in settings),
                *([", ".join(row.first.settings)] if others else []),
                *(_figure(row, name, comparison.best(row)) for name in figures),
                f"{row.first.parameters:,}",
            )
            for row in rows
        ]
        what = f"{seeds} seeds, mean ± standard deviation" if seeds > 1 else "1 seed"
        title = f"{file}: {comparison.budget} each, {what}; {BEST} best"
        found.append(Table(title, ((*map(str, heads), "parameters"), *body)))
    return found


def csv_text(comparison: Comparison) -> str:
    """Return comma-separated values with a line per cell, below the names of its fields."""
    names = [each.name for each in dataclasses.fields(CellResult) if each.name != "curve"]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    for cell in comparison.cells:
        writer.writerow([_value(getattr(cell, name)) for name in names])
    return stream.getvalue()


def _figure(row: Row, name: str, best: tuple[str, ...]) -> str:
    mean, spread = row.mean(name), row.spread(name)
    if mean is None:
        return "-"
    digits = _DIGITS.get(name, 2)
    text = f"{mean:,.{digits}f}"
    if spread is not None:
        text += f" ± {spread:,.{digits}f}"
    if name in HIGHER:
        text += BEST if name in best else " "
    return text


def _plain(value: object) -> str:
    return "-" if value is None else str(value)


def _value(value: object) -> object:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return "" if value is None else value
