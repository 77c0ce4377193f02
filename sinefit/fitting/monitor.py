"""What the losses of a fit mean for it: decisions that know no network, clock or device."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit import metrics

if TYPE_CHECKING:
    from sinefit.fitting.budget import Budget

DIVERGENCE_MARGIN: Final = 1.0
"""dB below the starting PSNR at which a fit counts as diverging."""
CONTINUED_FLOOR: Final = 15.0
"""The most that counts as the starting PSNR of a fit which continues another, in dB: at the full
learning rate a good field falls far below its quality for a while."""
DIVERGENCE_REPORTS: Final = 6
"""Reports in a row below that margin which end a fit."""
QUALITY_MARGIN: Final = 1.5
"""dB below the target at which the running PSNR, taken at full learning rate, calls for a check."""
PLATEAU_GAIN: Final = 0.1
"""dB that a restart, twice as long as the last, must bring for a quality-only fit to go on."""
PEAK_LOOK: Final = 3.0
"""Samples trained on between two looks at those held out, per sample that a look evaluates."""
PEAK_PATIENCE: Final = 0.5
"""Further steps, as a share of those up to the best look, after which a fit that ends by samples
held out is past its peak."""
FEWEST_LOOKS: Final = 4
"""Looks without a better one that it takes at least."""
LAST_SHARE: Final = 0.8
"""Share of the budget after which low precision can be in the way of a good fit."""
LAST_PSNR: Final = 50.0
"""PSNR of the batches, in dB, from which on it is."""


@dataclass
class Standing:
    """Where a fit stands besides its weights: counters and what its decisions rest on."""

    initial: float
    """PSNR of the starting weights in dB."""
    cycle_psnr: float
    """PSNR at the end of the last cycle of a fit that only quality ends."""
    latest: float
    """Latest running PSNR."""
    step: int = 0
    """Steps taken."""
    seconds: float = 0.0
    """Seconds spent on them."""
    summed: int = 0
    """Steps since the last report."""
    low_reports: int = 0
    """Reports in a row below the starting PSNR."""
    cycle: int = 0
    """Cycles completed."""
    refined: bool = False
    """Whether the steps are taken in the last precision by now."""
    peak: float = -math.inf
    """Best PSNR in dB over samples held out, of a fit that ends by them."""
    peak_step: int = 0
    """Steps taken at it."""
    looked: int = 0
    """Steps taken when they were last looked at."""
    continued: bool = False
    """Whether the fit began with the weights of an earlier one."""


@dataclass(frozen=True)
class Look:
    """What a fit has to do after a report."""

    diverged: bool
    """End: training has left the rails."""
    near_target: bool
    """Measure whether the target is reached."""
    refine: bool
    """Take all further steps in the last precision."""


class Monitor:
    """Judges a fit by the mean losses of its reports; keeps its judgements in a standing."""

    def __init__(self, standing: Standing, budget: Budget, target_range: float = 2.0) -> None:
        """Take where a fit stands, what ends it, and the range of values that it fits."""
        self.standing = standing
        self._budget = budget
        self._target_range = target_range

    @property
    def floor(self) -> float:
        """PSNR below which the fit counts as diverging."""
        ceiling = CONTINUED_FLOOR if self.standing.continued else math.inf
        return min(self.standing.initial, ceiling) - DIVERGENCE_MARGIN

    def look(self, loss: float, share: float) -> Look:
        """Take the mean loss since the last report, with this share of the budget spent."""
        standing, target = self.standing, self._budget.target_psnr
        reached = metrics.psnr(loss, self._target_range) if math.isfinite(loss) else -math.inf
        standing.latest = reached
        standing.low_reports = standing.low_reports + 1 if standing.latest < self.floor else 0
        refine = not standing.refined and share >= LAST_SHARE and standing.latest >= LAST_PSNR
        return Look(
            diverged=standing.latest == -math.inf or standing.low_reports >= DIVERGENCE_REPORTS,
            near_target=target is not None and standing.latest >= target - QUALITY_MARGIN,
            refine=refine,
        )

    def ends_cycle(self, cycle: int, reached: float) -> bool:
        """Tell whether the last cycle was in vain; `reached` is the PSNR as `cycle` begins."""
        standing = self.standing
        in_vain = reached < standing.cycle_psnr + PLATEAU_GAIN
        standing.cycle, standing.cycle_psnr = cycle, reached
        return in_vain
