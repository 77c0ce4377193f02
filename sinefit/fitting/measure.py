"""The error of a field against the signal it was fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit import metrics
from sinefit.engines.evaluation import EXACT_BITS, choose_evaluator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from sinefit.engines.evaluation import Evaluator
    from sinefit.fitting.samples import TrainingSamples
    from sinefit.networks.network import Network
    from sinefit.signals.signal import SignalSpec

FLOAT_PSNR: Final = 80.0
"""PSNR in dB above which the error of the fast evaluators would show, so that float32 is taken."""
MEASURED_SHARE: Final = 1 / 20
"""Samples that are measured per sample trained on, at most: evaluating one takes from half as long
as training on it to twice as long, by engine, so that measuring takes 2 to 10 % of the training."""
SHORT_WORK: Final = 5e10
"""Samples times weights that are measured however short the fit was, in some seconds."""
SAMPLE_WEIGHTS: Final = 50_000
"""Weights that take as long to evaluate as all else that measuring does with a sample."""
FEWEST_MEASURED: Final = 2**16
"""Samples that are measured however large the network is: their PSNR is off by some hundredths."""
_STRATA_BLOCK: Final = 2**16
"""Strata that are drawn at a time."""


class MeasuringStoppedError(Exception):
    """Measuring was asked to stop."""


@dataclass(frozen=True)
class Quality:
    """How close a field is to its signal in dB, over all samples or an estimate from some."""

    psnr: float
    """As saved: of values rounded to the signal's own sample type."""
    psnr_float: float
    """Of unrounded values."""
    snr: float
    """Signal-to-noise ratio as saved."""


def measured_samples(count: int, trained: float, weights: int) -> int:
    """Return on how many of `count` samples a fit is measured that has trained on `trained`.

    A sample counts as often as it was in a batch; `weights` is how many the network has. The number
    does not depend on the clock, so that a fit of so many steps always tells the same.
    """
    most = max(MEASURED_SHARE * trained, SHORT_WORK / (weights + SAMPLE_WEIGHTS), FEWEST_MEASURED)
    return count if count <= most else int(most)


def measure_quality(
    network: Network,
    samples: TrainingSamples,
    on_share: Callable[[float], None] | None = None,
    *,
    count: int | None = None,
    seed: int = 0,
    should_stop: Callable[[], bool] | None = None,
) -> Quality:
    """Evaluate the network on every sample, by pieces; `on_share` hears of the share done.

    With a `count` below that of the samples the quality is estimated from so many of them, one
    drawn with `seed` from each of equal strata. `should_stop` is asked before every piece; True
    raises MeasuringStoppedError.
    """
    count = samples.count if count is None else min(count, samples.count)

    def measure(evaluator: Evaluator) -> Quality:
        pieces = _pieces(samples, evaluator.piece, count, seed)
        return _measure(evaluator, pieces, count, samples.spec, on_share, should_stop)

    quality = measure(choose_evaluator(network, samples.spec.bit_depth))
    if quality.psnr_float > FLOAT_PSNR:
        quality = measure(choose_evaluator(network, EXACT_BITS))
    return quality


def _measure(
    evaluator: Evaluator,
    pieces: Iterator[tuple[Tensor, Tensor]],
    count: int,
    spec: SignalSpec,
    on_share: Callable[[float], None] | None,
    should_stop: Callable[[], bool] | None,
) -> Quality:
    unit = spec.value_range
    error = error_stored = power = 0.0
    done = 0
    for coordinates, targets in pieces:
        if should_stop is not None and should_stop():
            raise MeasuringStoppedError
        outputs = evaluator(coordinates[None])[0].cpu().numpy()
        # Stored again, targets are the signal's own samples, without what float32 rounded off.
        truth = spec.store(targets.cpu().numpy()).astype(np.float64)
        error += metrics.squared_error(spec.from_unit(outputs), truth, unit)
        error_stored += metrics.squared_error(spec.store(outputs).astype(np.float64), truth, unit)
        power += float(np.square(truth / unit).sum())
        done += len(coordinates)
        if on_share is not None:
            on_share(done / count)
    values = count * spec.channels
    return Quality(
        metrics.psnr(error_stored / values, 1.0),
        metrics.psnr(error / values, 1.0),
        metrics.snr(error_stored / values, power / values),
    )


def _pieces(
    samples: TrainingSamples, size: int, count: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield `count` samples in order, in pieces of at most `size`."""
    if count == samples.count:
        yield from samples.pieces(size)
        return
    generator = torch.Generator().manual_seed(seed)
    for first in range(0, count, _STRATA_BLOCK):
        chosen = _one_per_stratum(samples.count, count, first, generator)
        for indices in torch.split(chosen, size):
            yield samples.batch(indices)


def _one_per_stratum(samples: int, strata: int, first: int, generator: torch.Generator) -> Tensor:
    """Draw a sample number from each of some strata, from the `first` on: (drawn,), int64.

    Stratum k of n holds the samples from k/n of them to (k + 1)/n.
    """
    number = torch.arange(first, min(first + _STRATA_BLOCK, strata))
    begin = number * samples // strata
    width = (number + 1) * samples // strata - begin
    drawn = torch.rand(len(number), generator=generator, dtype=torch.float64)
    return begin + (drawn * width).to(torch.int64)


def estimate_psnr(network: Network, samples: TrainingSamples, count: int = 16384) -> float:
    """Return the PSNR over evenly spread samples, `count` of them at most."""
    evaluator = choose_evaluator(network, samples.spec.bit_depth)
    chosen = torch.linspace(0, samples.count - 1, min(count, samples.count), dtype=torch.float64)
    total, values = 0.0, 0
    for indices in torch.split(chosen.round().to(torch.int64), evaluator.piece):
        coordinates, targets = samples.batch(indices)
        # On the CPU, since not every device has float64.
        difference = (evaluator(coordinates[None])[0] - targets).cpu()
        total += float(difference.double().square().sum())
        values += difference.numel()
    return metrics.psnr(total / values, 2.0)
