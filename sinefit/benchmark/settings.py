"""How large and how long the parts of the benchmark are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class BenchSettings:
    """Sizes, and times in seconds; each part ends by its time, whatever the machine."""

    peak_seconds: float
    """For each of seven measured rates."""
    set_seconds: float
    """For each figure of each instruction set in C, up to 33 of them."""
    reduction: int
    """Rows and columns of the picture that the pace and the race are measured on."""
    pace_seconds: float
    """Per turn."""
    pace_rounds: int
    """Turns that each of both gets."""
    textbook_limit: float
    """Longest training of the textbook method in the race."""
    race_seconds: float
    """Training of sinefit in the race."""
    fit_seconds: float
    """Training per file at full size."""
    render_side: int
    """Rows and columns of the render."""
    eager_limit: float
    """Longest rendering by the plain forward pass."""
    render_limit: float
    """Longest rendering by sinefit."""
    width: int = 256
    """Neurons per sine layer, those of the textbook's network, which all parts but the fits of
    files are about; these have the size that sinefit gives them."""
    depth: int = 4
    """Sine layers of that network."""
    picture: tuple[int, int] = (512, 768)
    """Rows and columns of the picture that is drawn where no file is given."""


STANDARD: Final = BenchSettings(
    peak_seconds=1.0,
    set_seconds=0.5,
    reduction=256,
    pace_seconds=4.0,
    pace_rounds=5,
    textbook_limit=90.0,
    race_seconds=15.0,
    fit_seconds=60.0,
    render_side=8192,
    eager_limit=15.0,
    render_limit=60.0,
)
"""About five minutes."""

QUICK: Final = BenchSettings(
    peak_seconds=0.2,
    set_seconds=0.05,
    reduction=96,
    pace_seconds=0.7,
    pace_rounds=3,
    textbook_limit=7.0,
    race_seconds=3.0,
    fit_seconds=5.0,
    render_side=1024,
    eager_limit=2.0,
    render_limit=4.0,
)
"""Half a minute: enough to see ratios, too little to report them."""
