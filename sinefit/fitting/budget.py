"""How long a fit may take, and how far along it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sinefit.errors import SettingError


@dataclass(frozen=True)
class Budget:
    """Limits of a fit; whichever is reached first ends it. At least one must be given."""

    steps: int | None = None
    """Optimiser steps, at least 1."""
    max_time: float | None = None
    """Seconds since the first step began, greater than 0."""
    target_psnr: float | None = None
    """PSNR in dB, of unrounded values, at which to stop."""

    def __post_init__(self) -> None:
        if self.steps is None and self.max_time is None and self.target_psnr is None:
            raise SettingError("a fit needs a budget: give `steps`, `max_time` or `target_psnr`")
        if self.steps is not None and self.steps < 1:
            raise SettingError(f"`steps` is {self.steps}: it must be at least 1")
        if self.max_time is not None and not (math.isfinite(self.max_time) and self.max_time > 0):
            raise SettingError(f"`max_time` is {self.max_time:g}: it must be more than 0 seconds")
        if self.target_psnr is not None and not math.isfinite(self.target_psnr):
            raise SettingError(f"`target_psnr` is {self.target_psnr:g}: it must be a number of dB")

    @property
    def bounded(self) -> bool:
        """Whether steps or time end the fit even if no quality is ever reached."""
        return self.steps is not None or self.max_time is not None

    def spent(self, steps: int, seconds: float) -> float:
        """Return the share of the budget that is spent, 0 to 1; 0 if only quality ends the fit."""
        shares = [0.0]
        if self.steps is not None:
            shares.append(steps / self.steps)
        if self.max_time is not None:
            shares.append(seconds / self.max_time)
        return min(1.0, max(shares))
