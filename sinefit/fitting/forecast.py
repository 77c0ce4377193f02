"""What a fit is going to take and to bring, told before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.measure import measured_samples
from sinefit.fitting.pace import TRIAL_LIMIT, TRIAL_SHARE, Trial
from sinefit.networks.sine import SINE

if TYPE_CHECKING:
    from sinefit.fitting.monitor import Standing
    from sinefit.fitting.plan import FitPlan
    from sinefit.signals.signal import Kind, Signal, SignalSpec

QualityClass = Literal["rough", "fair", "close"]
"""A PSNR below 25 dB, from there to 35 dB, or above; of sound an SNR of 10 and 25 dB."""
BLOCK_CLASSES: Final[dict[Kind, tuple[float, float]]] = {
    "image": (100.0, 400.0),
    "video": (100.0, 400.0),
    "audio": (20.0, 100.0),
}
"""The same for a signal in blocks. Right for 14 of 15 fits of two photographs and a page of text
with 50 to 800 steps of 64 samples."""
CLASSES: Final[dict[Kind, tuple[float, float]]] = {
    "image": (30.0, 200.0),
    "video": (2.0, 10.0),
    "audio": (45.0, 150.0),
}
"""Steps times weights per value of the signal from which on a fit is fair and close. Right for 50
of 60 fits of five pictures at three sizes each, 8 of 12 of a clip and 12 of 12 of a piece of music,
with 150 to 1200 steps of 4096 samples and 64 to 192 neurons."""


@dataclass(frozen=True)
class Forecast:
    """About what a fit is going to take, in seconds, and to bring."""

    training: float
    """From now on to the last step."""
    measuring: float
    quality: QualityClass | None
    """None where no rule has been found: for arrays, for other networks than sine networks, and for
    fits that continue others."""

    @property
    def seconds(self) -> float:
        """From now on to the end."""
        return self.training + self.measuring


def forecast(plan: FitPlan, signal: Signal, standing: Standing | None = None) -> Forecast | None:
    """Foretell a fit; None for one that only quality ends.

    `standing` is where a fit that goes on with a checkpoint stands. Trying the pace takes about
    `TRIAL_SHARE` of the fit.
    """
    spec, budget, config = plan.spec, plan.budget, plan.config
    if not budget.bounded:
        return None
    with cpu_threads(plan.machine.threads):
        trial = Trial(config, signal)
        if budget.max_time is not None and config.planned_steps is not None:
            step = budget.max_time / config.planned_steps
        else:
            step = trial.step_seconds(TRIAL_LIMIT, TRIAL_SHARE * plan.steps)
        weights = plan.work.parameter_count
        measured = measured_samples(spec.sample_count, plan.samples, weights)
        evaluation = trial.evaluation_seconds(measured / spec.sample_count)
    in_blocks = plan.blocks.count > 1
    is_known = plan.work.family is SINE and not plan.continued
    spent = 0.0 if standing is None else budget.spent(standing.step, standing.seconds)
    return Forecast(
        plan.steps * step * (1.0 - spent),
        measured * evaluation,
        quality_class(spec, plan.weights, plan.steps, in_blocks) if is_known else None,
    )


def quality_class(
    spec: SignalSpec, weights: int, steps: int, in_blocks: bool
) -> QualityClass | None:
    """Return how good a fit of so many steps is likely to be, None where nothing is known."""
    if spec.kind not in CLASSES:
        return None
    fair, close = (BLOCK_CLASSES if in_blocks else CLASSES)[spec.kind]
    reach = steps * weights / (spec.sample_count * spec.channels)
    if reach < fair:
        return "rough"
    return "fair" if reach < close else "close"
