"""How all figures look: sizes, colours and words, as for a column or a page of a paper."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sinefit.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

START_COLOUR: Final = "#2b6cb0"
FITTED_COLOUR: Final = "#c05621"
REFERENCE_COLOUR: Final = "#555555"
COLOURS: Final = {"start": START_COLOUR, "fitted": FITTED_COLOUR}
WIDTH: Final = 7.0
"""Inches of a page."""
_LOOK: Final[Any] = {
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e2e2e2",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "sinefit",
}


@contextlib.contextmanager
def look(word: str = "figures") -> Iterator[None]:
    """Have what is drawn and saved in a block look alike.

    Raises SettingError, which names the setting `word`, where matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        raise SettingError(
            f"`{word}` needs matplotlib: install it with pip install 'sinefit[plot]'"
        ) from None
    with mpl.rc_context(_LOOK):
        yield


def scale_by_range(axes: Axes) -> None:
    """Have the vertical axis begin at 0, or logarithmic where values span more than a factor 8."""
    values = np.concatenate(
        [np.asarray(line.get_ydata(), dtype=np.float64) for line in axes.get_lines()]
    )
    values = values[values > 0.0]
    if len(values) and values.max() > 8.0 * values.min():
        axes.set_yscale("log")
    else:
        axes.set_ylim(0.0, 1.1 * float(values.max(initial=1e-12)))


def panels(rows: int, columns: int, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure of a page's width and its panels, row by row; `height` inches per row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height * rows), layout="constrained")
    found = figure.subplots(rows, columns, squeeze=False)
    return figure, list(found.flat)
