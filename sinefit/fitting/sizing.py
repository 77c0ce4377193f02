"""How wide a network suits a signal and a budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sinefit.signals.signal import SignalSpec

REFERENCE_VALUES: Final = 768 * 512 * 3
"""Values of the photographs that the rule was measured on."""
REFERENCE_WIDTH: Final = 384
"""Their width when the budget is not in seconds."""
REFERENCE_STEPS: Final = 4000
"""Steps that their fit wants: with more of them a wider network would be the better use of time."""
WEIGHTS_PER_VALUE: Final = 2.0
"""Most hidden weights per value of the signal."""
OPERATIONS_PER_WEIGHT: Final = 6
"""Floating-point operations of training per weight and sample: a product and a sum each on the way
forward, on the way back and for the gradient."""
NARROWEST: Final = 64
WIDEST: Final = 1024
GRAIN: Final = 32
"""Widths are multiples of this, which matrix units work on."""


def default_width(spec: SignalSpec, depth: int, batch: int, operations: float | None) -> int:
    """Return the width of a network of `depth` sine layers for a signal.

    `operations` is how many floating-point operations a budget in seconds allows for; the width is
    the largest with which the steps that a signal of this size wants, each on `batch` samples,
    still fit into them. Without them it grows with the sixth root of the number of values.
    """
    values = spec.sample_count * spec.channels
    hidden = max(1, depth - 1)
    if operations is None:
        width = REFERENCE_WIDTH * math.cbrt(math.sqrt(values / REFERENCE_VALUES))
    else:
        steps = REFERENCE_STEPS * math.sqrt(math.sqrt(values / REFERENCE_VALUES))
        width = math.sqrt(operations / (OPERATIONS_PER_WEIGHT * steps * batch * hidden))
    width = min(width, math.sqrt(WEIGHTS_PER_VALUE * values / hidden))
    return round(min(max(width, NARROWEST), WIDEST) / GRAIN) * GRAIN
