"""What a fit is going to take and to bring, told before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sinefit.fitting.budget import Budget
from sinefit.fitting.defaults import default_steps
from sinefit.fitting.devices import cpu_threads, resolve_device
from sinefit.fitting.measure import measured_samples
from sinefit.fitting.pace import TRIAL_LIMIT, TRIAL_SHARE, Trial
from sinefit.fitting.samples import TrainingSamples

if TYPE_CHECKING:
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.monitor import Standing
    from sinefit.networks.size import NetworkSize
    from sinefit.signals.signal import Kind, Signal, SignalSpec

QualityClass = Literal["rough", "fair", "close"]
"""A PSNR below 25 dB, from there to 35 dB, or above; of sound an SNR of 10 and 25 dB."""
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
    """None where no rule has been found: for arrays, and for fits that continue others."""

    @property
    def seconds(self) -> float:
        """From now on to the end."""
        return self.training + self.measuring


def forecast(
    config: FitConfig, signal: Signal, *, standing: Standing | None = None, is_fresh: bool = True
) -> Forecast | None:
    """Foretell a fit of settled settings, see `settled`; None for one that only quality ends.

    `standing` is where a fit that goes on with a checkpoint stands; `is_fresh` tells whether it
    began with drawn weights. Trying the pace takes about `TRIAL_SHARE` of the fit.
    """
    spec = signal.spec
    budget = config.budget or Budget(steps=default_steps(spec))
    if not budget.bounded:
        return None
    steps = config.expected_steps(spec)
    size = config.size_for(spec)
    with cpu_threads(config.threads):
        trial = Trial(config, signal, TrainingSamples(signal, resolve_device(config.device)))
        if budget.max_time is not None and config.planned_steps is not None:
            step = budget.max_time / config.planned_steps
        else:
            step = trial.step_seconds(TRIAL_LIMIT, TRIAL_SHARE * steps)
        evaluation = trial.evaluation_seconds()
    trained = steps * config.batch_for(spec)
    spent = 0.0 if standing is None else budget.spent(standing.step, standing.seconds)
    return Forecast(
        steps * step * (1.0 - spent),
        measured_samples(spec.sample_count, trained, size.parameter_count) * evaluation,
        quality_class(spec, size, steps) if is_fresh else None,
    )


def quality_class(spec: SignalSpec, size: NetworkSize, steps: int) -> QualityClass | None:
    """Return how good a fit of so many steps is likely to be, None where nothing is known."""
    if spec.kind not in CLASSES:
        return None
    fair, close = CLASSES[spec.kind]
    reach = steps * size.parameter_count / (spec.sample_count * spec.channels)
    if reach < fair:
        return "rough"
    return "fair" if reach < close else "close"
