"""What an analysis can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.errors import SettingError
from sinefit.fitting.omega_choice import checked_omega
from sinefit.validation import settle, whole_number

if TYPE_CHECKING:
    from sinefit.fitting.omega_choice import OmegaChoice

START: Final = ("omega", "width", "depth", "axes", "samples", "seed")
"""Settings of a start that is drawn; a fitted field has its own."""


@dataclass(frozen=True)
class AnalysisSettings:
    """The start to draw, and how much of it to measure; None leaves it to what is analysed."""

    omega: OmegaChoice = None
    """First-layer frequency factors; without a signal an eighth of Nyquist."""
    width: int | None = None
    """Neurons per layer, 256 unless told."""
    depth: int | None = None
    """Sine layers, 4 unless told."""
    axes: int = 1
    """Coordinates of the network where no signal has them."""
    samples: int | None = None
    """Along each axis, where no signal has them: 512, in two dimensions 128, in three 32."""
    seed: int | None = None
    """Of the draw, 0 unless told."""
    points: int | None = None
    """Of the tangent kernel: 512, in more dimensions 1024."""
    block: int | None = None
    """Of a field, counted from 0; the middle one unless told."""

    def __post_init__(self) -> None:
        if self.omega is not None:
            settle(self, omega=checked_omega(self.omega))
        for name in ("width", "depth", "samples"):
            if getattr(self, name) is not None:
                settle(self, **{name: whole_number(name, getattr(self, name))})
        settle(self, axes=whole_number("axes", self.axes, most=8))
        if self.seed is not None:
            settle(self, seed=whole_number("seed", self.seed, least=0, most=2**63 - 1))
        if self.block is not None:
            settle(self, block=whole_number("block", self.block, least=0))
        if self.points is not None:
            settle(self, points=whole_number("points", self.points, least=2))

    def check_for_a_field(self) -> None:
        """Raise SettingError for a setting of a start: a field's own is on record."""
        for name in START:
            if getattr(self, name) != getattr(AnalysisSettings, name):
                raise SettingError(f"`{name}` is that of the weights file: leave it out")
