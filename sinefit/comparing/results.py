"""What the cells of a comparison came to, and what they say together."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

Point = tuple[int, float, float]
"""Steps, seconds of training, and the PSNR in dB of the batches since the last point."""

HIGHER: Final = ("psnr", "psnr_holdout", "psnr_gradient", "ssim", "samples_per_second")
"""Figures of which the highest is best."""
FIGURES: Final = (*HIGHER, "seconds")
"""Figures that have a mean and a spread over the seeds."""


@dataclass(frozen=True)
class CellResult:
    """What became of one fit of a comparison."""

    file: str
    """What was fitted, as it was named."""
    network: str
    """As `--network` takes it."""
    init: str | None
    """As `--init` takes it; None for a network that has a start of its own."""
    omega: str | None
    """As it was asked for; "published" where the papers' recipe takes the initializer's own, None
    for a network that is not a sine network."""
    width: int
    """Neurons per layer."""
    depth: int
    """Sine layers, or those of another network that stand for them."""
    settings: tuple[str, ...]
    """Other settings of which the comparison has several values, with this cell's."""
    seed: int
    psnr: float | None
    """PSNR in dB as saved, over the samples that were fitted; None where it is not known."""
    psnr_holdout: float | None
    """PSNR in dB as saved, over the samples that were held out."""
    psnr_gradient: float | None
    """PSNR in dB of the field's gradient against central differences of the signal, at the samples
    that were held out, or at all where none were."""
    ssim: float | None
    """Structural similarity of images and video over all samples, the mean over frames."""
    samples_per_second: float
    """Of training."""
    seconds: float
    """Of training, from the first step to the last."""
    parameters: int
    """Weights of all networks."""
    steps: int
    """Steps taken."""
    batch: int
    """Samples per step, of each network."""
    operations: float
    """Multiplications and additions in the matrix products of training, about 6 per weight and
    sample."""
    learning_rates: tuple[float, ...]
    """Adam's peak rate per layer, first layer first."""
    holdout: str | None
    """Which samples were held out, as `--holdout` takes it."""
    ended_by: str
    """"steps", "time" or "divergence", of which the figures are those of the best weights."""
    weights: str
    """The weights file."""
    curve: tuple[Point, ...]
    """Steps, seconds and PSNR in dB of the latest batches, along the training."""

    @property
    def start(self) -> str:
        """The name of the scheme, or of a network that has no other."""
        return self.network if self.init is None else self.init

    @property
    def choice(self) -> tuple[object, ...]:
        """All that sets it apart but the seed."""
        names = ("file", "network", "init", "omega", "width", "depth", "settings")
        return tuple(getattr(self, name) for name in names)


@dataclass(frozen=True)
class Row:
    """Cells that differ by their seeds alone: the mean of each figure, and its spread."""

    cells: tuple[CellResult, ...]

    @property
    def first(self) -> CellResult:
        """The one of the first seed."""
        return self.cells[0]

    def mean(self, figure: str) -> float | None:
        """Return the mean of a figure over the seeds; None where a cell has none."""
        values = self._values(figure)
        return None if values is None else statistics.fmean(values)

    def spread(self, figure: str) -> float | None:
        """Return its standard deviation over the seeds (n - 1); None for a single one."""
        values = self._values(figure)
        if values is None or len(values) < 2 or not all(map(math.isfinite, values)):
            return None
        return statistics.stdev(values)

    def _values(self, figure: str) -> list[float] | None:
        values = [getattr(cell, figure) for cell in self.cells]
        return None if None in values else values


@dataclass(frozen=True)
class CellFailure:
    """A cell that could not be fitted."""

    file: str
    """What was to be fitted."""
    label: str
    """What sets the cell apart, in a few words."""
    error: Exception
    """What it failed of."""


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to."""

    cells: tuple[CellResult, ...]
    """The cells that are done, in the order of the table."""
    budget: str
    """What every cell was allowed to spend, in words."""
    failures: tuple[CellFailure, ...] = ()
    planned: int = 0
    """How many cells it has in all."""

    @property
    def is_whole(self) -> bool:
        """Whether every cell was reached: False for a comparison that was stopped."""
        return len(self.cells) + len(self.failures) == self.planned

    @property
    def rows(self) -> tuple[Row, ...]:
        """The cells by combination of settings, each with its seeds."""
        found: dict[tuple[object, ...], list[CellResult]] = {}
        for cell in self.cells:
            found.setdefault(cell.choice, []).append(cell)
        return tuple(Row(tuple(cells)) for cells in found.values())

    def best(self, row: Row) -> tuple[str, ...]:
        """Return the figures in which no other row of the same file has a higher mean."""
        rivals = [one for one in self.rows if one.first.file == row.first.file]
        if len(rivals) < 2:
            return ()
        return tuple(
            figure
            for figure in HIGHER
            if (mean := row.mean(figure)) is not None and mean >= _highest(rivals, figure)
        )


def _highest(rows: Iterable[Row], figure: str) -> float:
    return max((row.mean(figure) or -math.inf for row in rows), default=-math.inf)
