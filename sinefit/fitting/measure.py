"""The error of a field against the signal it was fitted to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit import metrics
from sinefit.engines.evaluation import EXACT_BITS
from sinefit.fitting.choice import SampleChoice
from sinefit.fitting.lattice import lattice, whole
from sinefit.fitting.measured import Measured, errors_in_turn, pairs
from sinefit.fitting.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sinefit.fitting.holdout import Holdout
    from sinefit.fitting.measured import MeasuredErrors
    from sinefit.fitting.tally import Quality
    from sinefit.networks.network import Network
    from sinefit.rendering.blended import Blended
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import Signal

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
ESTIMATED: Final = 16384
"""Samples of a quick estimate."""
MOST_LOOKED_AT: Final = 8
"""Times as many that are evaluated where some are unknown."""


class MeasuringStoppedError(Exception):
    """Measuring was asked to stop."""


@dataclass(frozen=True)
class Blend:
    """What of a field its values depend on: the networks, and the blocks that they are on."""

    network: Network
    blocks: BlockGrid
    numbers: Sequence[int] | None = None
    """None: the members are on all blocks in turn."""


def measured_samples(count: int, trained: float, weights: int) -> int:
    """Return on how many of `count` samples a fit is measured that has trained on `trained`.

    A sample counts as often as it was in a batch; `weights` is how many a sample's network has. The
    number does not depend on the clock, so that a fit of so many steps always tells the same.
    """
    most = max(MEASURED_SHARE * trained, SHORT_WORK / (weights + SAMPLE_WEIGHTS), FEWEST_MEASURED)
    return count if count <= most else int(most)


def measure_quality(
    field: Blended,
    signal: Signal,
    on_share: Callable[[float], None] | None = None,
    *,
    count: int | None = None,
    should_stop: Callable[[], bool] | None = None,
    holdout: Holdout | None = None,
    errors: MeasuredErrors = errors_in_turn,
) -> Quality:
    """Compare a field with the signal at every sample, by pieces.

    Samples that the fit held out by `holdout` are scored apart. With a `count` below that of the
    samples the quality is estimated from at most so many of them, on a coarser lattice. `on_share`
    hears of the share done; `should_stop` is asked before every piece, True raises
    MeasuringStoppedError. `errors` yields those of all pieces in their order.
    """
    choice = SampleChoice.of(signal, holdout)
    places = lattice(whole(signal.spec.shape), count, choice.step)
    samples = math.prod(len(along) for along in places)

    def measure(bits: int) -> Quality:
        tally = Tally(signal.spec)
        for each in errors(field, Measured(signal, places, bits, choice)):
            if should_stop is not None and should_stop():
                raise MeasuringStoppedError
            tally.add(each)
            if on_share is not None:
                on_share(tally.done / samples)
        return tally.quality()

    quality = measure(signal.spec.bit_depth)
    return measure(EXACT_BITS) if quality.psnr_float > FLOAT_PSNR else quality


def estimate_psnr(
    field: Blended, signal: Signal, count: int = ESTIMATED, holdout: Holdout | None = None
) -> float:
    """Return the PSNR of unrounded values over at most `count` samples, evenly spread.

    Those that are held out or unknown are not among them.
    """
    choice = SampleChoice.of(signal, holdout)
    count = int(min(count / choice.known_share, MOST_LOOKED_AT * count))
    places = lattice(choice.candidates(), count)
    measured = Measured(signal, places, signal.spec.bit_depth, choice)
    total, values = 0.0, 0
    for outputs, samples, fitted, _ in pairs(field, measured):
        difference = outputs.astype(np.float64) - signal.spec.to_unit(samples)
        total += float(np.square(difference[fitted]).sum())
        values += difference[fitted].size
    # A lattice of a few samples can be held out as a whole.
    return metrics.psnr(total / values, signal.spec.target_range) if values else -math.inf


def mean_missing(field: Blended, signal: Signal, count: int = ESTIMATED) -> NDArray[np.float64]:
    """Return what a field lacks to the signal's mean in each channel, over at most `count` samples.

    It counts as outputs of the networks do.
    """
    choice = SampleChoice.of(signal, None)
    total, samples = np.zeros(signal.spec.channels), 0
    places = lattice(whole(signal.spec.shape), count, choice.step)
    measured = Measured(signal, places, signal.spec.bit_depth, choice)
    for outputs, truth, fitted, _ in pairs(field, measured):
        missing = signal.spec.to_unit(truth, "float64") - outputs
        total += missing[fitted].sum(axis=0)
        samples += int(fitted.sum())
    return total / max(1, samples)


def held_out_psnr(field: Blended, signal: Signal, holdout: Holdout, count: int) -> float:
    """Return the PSNR of unrounded values over held-out ones of at most `count` samples."""
    choice = SampleChoice.of(signal, holdout)
    places = lattice(whole(signal.spec.shape), count, choice.step)
    measured = Measured(signal, places, signal.spec.bit_depth, choice)
    total, values = 0.0, 0
    for outputs, samples, _, held in pairs(field, measured):
        difference = outputs[held].astype(np.float64) - signal.spec.to_unit(samples[held])
        total += float(np.square(difference).sum())
        values += difference.size
    return metrics.psnr(total / values, signal.spec.target_range) if values else -math.inf


def held_out_work(signal: Signal, holdout: Holdout, count: int) -> int:
    """Return how many samples `held_out_psnr` evaluates."""
    places = lattice(whole(signal.spec.shape), count, holdout.step)
    return math.prod(len(along) for along in places)
