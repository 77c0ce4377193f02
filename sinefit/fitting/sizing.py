"""How wide a network suits a signal and a budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.signals.signal import SignalSpec

REFERENCE_VALUES: Final = 768 * 512 * 3
"""Values of the photographs that the rule was measured on."""
REFERENCE_WIDTH: Final = 384
"""Their width when the budget is not in seconds."""
REFERENCE_STEPS: Final = 4000
"""Steps that their fit wants: with more of them a wider network would be the better use of time."""
AMPLE: Final = 5.4
"""How many times the steps wanted the narrowest network could take in the least time in which they
are worth taking."""
SHORT_POWER: Final = 2 / 3
"""Power of the time that the steps of shorter fits follow. On two photographs, 128 neurons with 360
steps were 2 to 3 dB ahead of 64 with 600, and 192 with 660 4 to 6 dB ahead of 64 with 1800."""
WEIGHTS_PER_VALUE: Final = 2.0
"""Most hidden weights per value of the signal."""
NARROWEST: Final = 64
WIDEST: Final = 1024
GRAIN: Final = 32
"""Widths are multiples of this, which matrix units work on."""


def default_width(spec: SignalSpec, depth: int) -> int:
    """Return the width of a network of `depth` sine layers for a signal.

    It grows with the sixth root of the number of values.
    """
    return _sensible(REFERENCE_WIDTH * math.cbrt(math.sqrt(_size(spec))), spec, depth)


def width_in_time(
    spec: SignalSpec, depth: int, seconds: float, step_seconds: Callable[[int], float]
) -> int:
    """Return the width with which the steps that suit a signal of this size take some seconds.

    `step_seconds` tells how long a step of a network of some width takes; more for a wider one. In
    little time a wider network of fewer steps comes nearer than the narrowest with all of them: the
    steps then follow the power `SHORT_POWER` of the time.
    """
    steps = REFERENCE_STEPS * math.sqrt(math.sqrt(_size(spec)))
    ample = AMPLE * steps * step_seconds(NARROWEST)
    each = seconds / (steps * math.pow(min(1.0, seconds / ample), SHORT_POWER))
    widths = range(NARROWEST, WIDEST + 1, GRAIN)
    return _sensible(
        min(widths, key=lambda width: abs(math.log(step_seconds(width) / each))), spec, depth
    )


def _size(spec: SignalSpec) -> float:
    return spec.sample_count * spec.channels / REFERENCE_VALUES


def _sensible(width: float, spec: SignalSpec, depth: int) -> int:
    """Return the nearest usual width that does not say more than the signal."""
    values = spec.sample_count * spec.channels
    width = min(width, math.sqrt(WEIGHTS_PER_VALUE * values / max(1, depth - 1)))
    return round(min(max(width, NARROWEST), WIDEST) / GRAIN) * GRAIN
