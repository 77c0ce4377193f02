"""The error of a field against the signal it was fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit import metrics
from sinefit.rendering.evaluator import FloatEvaluator, choose_evaluator

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.fitting.samples import TrainingSamples
    from sinefit.networks.sine import SineNetwork
    from sinefit.rendering.evaluator import Evaluator
    from sinefit.signals.signal import SignalSpec

FLOAT_PSNR: Final = 80.0
"""PSNR in dB above which the error of the fast evaluators would show, so that float32 is taken."""


@dataclass(frozen=True)
class Quality:
    """How close a field is to its signal, over all samples, in dB."""

    psnr: float
    """As saved: of values rounded to the signal's own sample type."""
    psnr_float: float
    """Of unrounded values."""
    snr: float
    """Signal-to-noise ratio as saved."""


def measure_quality(
    network: SineNetwork,
    samples: TrainingSamples,
    spec: SignalSpec,
    on_share: Callable[[float], None] | None = None,
) -> Quality:
    """Evaluate the network on every sample, by pieces; `on_share` hears of the share done."""
    quality = _measure(choose_evaluator(network, spec), samples, spec, on_share)
    if quality.psnr_float > FLOAT_PSNR:
        quality = _measure(FloatEvaluator(network), samples, spec, on_share)
    return quality


def _measure(
    evaluator: Evaluator,
    samples: TrainingSamples,
    spec: SignalSpec,
    on_share: Callable[[float], None] | None,
) -> Quality:
    error = error_stored = power = 0.0
    done = 0
    for coordinates, targets in samples.pieces(evaluator.piece):
        outputs = evaluator(coordinates).cpu().numpy()
        # Stored again, targets are the signal's own samples, without what float32 rounded off.
        truth = spec.store(targets.cpu().numpy()).astype(np.float64)
        error += float(np.square(spec.from_unit(outputs) - truth).sum())
        error_stored += float(np.square(spec.store(outputs).astype(np.float64) - truth).sum())
        power += float(np.square(truth).sum())
        done += len(coordinates)
        if on_share is not None:
            on_share(done / samples.count)
    values = samples.count * spec.channels
    return Quality(
        metrics.psnr(error_stored / values, spec.value_range),
        metrics.psnr(error / values, spec.value_range),
        metrics.snr(error_stored / values, power / values),
    )


def estimate_psnr(network: SineNetwork, samples: TrainingSamples, count: int = 16384) -> float:
    """Return the PSNR over evenly spread samples, `count` of them at most."""
    evaluator = choose_evaluator(network, samples.spec)
    chosen = torch.linspace(0, samples.count - 1, min(count, samples.count), dtype=torch.float64)
    total, values = 0.0, 0
    for indices in torch.split(chosen.round().to(torch.int64), evaluator.piece):
        coordinates, targets = samples.batch(indices)
        # On the CPU, since not every device has float64.
        difference = (evaluator(coordinates) - targets).cpu()
        total += float(difference.double().square().sum())
        values += difference.numel()
    return metrics.psnr(total / values, 2.0)
