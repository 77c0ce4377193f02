"""How long a fit may take, and how far along it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sinefit.errors import SettingError
from sinefit.validation import number, positive, refusal, settle, whole_number


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
        if self.steps is not None:
            settle(self, steps=whole_number("steps", self.steps))
        if self.max_time is not None:
            settle(self, max_time=positive("max_time", self.max_time, "seconds"))
        if self.target_psnr is not None:
            target = number("target_psnr", self.target_psnr, "a number of dB")
            if not math.isfinite(target):
                raise refusal("target_psnr", target, "a number of dB")
            settle(self, target_psnr=target)

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
