"""The learning rate over a fit: a short warm-up, then half a cosine down to zero."""

from __future__ import annotations

import math
from typing import Final

WARM_UP: Final = 0.02
"""Share of the budget over which the rate rises from zero."""


def cosine_factor(progress: float) -> float:
    """Return the factor on the learning rate, 0 to 1, when `progress` (0 to 1) is spent.

    Rises linearly over the first `WARM_UP`, then falls as (1 + cos) / 2 to zero at 1.
    """
    if progress < WARM_UP:
        return progress / WARM_UP
    return 0.5 * (1.0 + math.cos(math.pi * (progress - WARM_UP) / (1.0 - WARM_UP)))


def restarting_progress(step: int, first_cycle: int) -> tuple[int, float]:
    """Return the cycle and the progress within it, for a fit whose end is not known beforehand.

    Cycles double in length and each decays to zero (warm restarts: Loshchilov & Hutter, 2017,
    SGDR). Cycle k takes the steps from first_cycle (2^k - 1) to first_cycle (2^(k+1) - 1).
    """
    cycle = (step // first_cycle + 1).bit_length() - 1
    begin = first_cycle * (2**cycle - 1)
    return cycle, (step - begin) / (first_cycle * 2**cycle)
