"""The files that a comparison is asked for besides its table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.comparing.tables import csv_text
from sinefit.errors import SettingError
from sinefit.files import check_output, write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sinefit.comparing.cells import Cell
    from sinefit.comparing.results import Comparison
    from sinefit.comparing.running import Reading


@dataclass(frozen=True)
class Outputs:
    """Names of files, None for what is not asked for."""

    csv: Path | None = None
    """A line per cell."""
    sheet: Path | None = None
    """The contact sheet, a PNG."""
    curves: Path | None = None
    """PSNR over steps, time and operations, SVG, PNG or PDF by its name."""
    tensorboard: Path | None = None
    """A folder of logs, one per cell."""
    force: bool = False
    """Whether existing files are replaced."""

    def check(self) -> None:
        """Raise SettingError or OutputError, before long work, for what cannot be written."""
        if self.sheet is not None and self.sheet.suffix.lower() != ".png":
            raise SettingError(f"`sheet` is {self.sheet}: its name must end in .png")
        for target in (self.csv, self.sheet):
            if target is not None:
                check_output(target, force=self.force)
        if self.curves is not None:
            from sinefit.comparing.curves import check_curves

            check_curves(self.curves, force=self.force)
        if self.tensorboard is not None:
            from sinefit.comparing.tensorboard import check_tensorboard

            check_tensorboard()

    def write(
        self, comparison: Comparison, cells: Sequence[Cell], reading: Reading
    ) -> Iterator[Path]:
        """Write what is asked for, and yield each as it is there; `cells` are all of them."""
        if not comparison.cells:
            return
        if self.csv is not None:
            write_bytes(self.csv, csv_text(comparison).encode(), force=self.force)
            yield self.csv
        if self.sheet is not None:
            from sinefit.comparing.sheets.sheet import draw_sheet

            write_bytes(self.sheet, draw_sheet(comparison, reading.signal), force=self.force)
            yield self.sheet
        if self.curves is not None:
            from sinefit.comparing.curves import save_curves

            save_curves(comparison, self.curves, force=self.force)
            yield self.curves
        if self.tensorboard is not None:
            from sinefit.comparing.tensorboard import log_cell

            names = {Path(result.weights).stem: result for result in comparison.cells}
            for cell in cells:
                if cell.name in names:
                    log_cell(cell, names[cell.name], self.tensorboard)
            yield self.tensorboard
