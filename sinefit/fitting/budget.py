"""How long a fit may take, and how far along it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from sinefit.errors import SettingError
from sinefit.settings import setting, settle_settings
from sinefit.validation import number, refusal, seconds, whole_number

LIMITS: Final = "When to stop"
"""The heading of these settings."""


def _decibels(name: str, value: object) -> float:
    target = number(name, value, "a number of dB")
    if not math.isfinite(target):
        raise refusal(name, target, "a number of dB")
    return target


@dataclass(frozen=True)
class Budget:
    """Limits of a fit; whichever is reached first ends it. At least one must be given."""

    steps: int | None = field(
        default=None,
        metadata=setting(
            "Optimiser steps.", group=LIMITS, form="N", unset="by the signal", check=whole_number
        ),
    )
    """At least 1."""
    max_time: float | None = field(
        default=None,
        metadata=setting(
            "Time since the first step: 90s, 5m.",
            group=LIMITS,
            form="TIME",
            check=seconds,
        ),
    )
    """Seconds since the first step began, greater than 0."""
    target_psnr: float | None = field(
        default=None,
        metadata=setting("Quality in dB.", group=LIMITS, form="DB", check=_decibels),
    )
    """PSNR in dB, of unrounded values, at which to stop."""

    def __post_init__(self) -> None:
        if self.steps is None and self.max_time is None and self.target_psnr is None:
            raise SettingError("a fit needs a budget: give `steps`, `max_time` or `target_psnr`")
        settle_settings(self)

    @property
    def bounded(self) -> bool:
        """Whether steps or time end the fit even if no quality is ever reached."""
        return self.steps is not None or self.max_time is not None

    def spent(self, steps: float, seconds: float) -> float:
        """Return the share of the budget that is spent, 0 to 1; 0 if only quality ends the fit."""
        shares = [0.0]
        if self.steps is not None:
            shares.append(steps / self.steps)
        if self.max_time is not None:
            shares.append(seconds / self.max_time)
        return min(1.0, max(shares))
