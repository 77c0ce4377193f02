"""The error of a field against the signal it was fitted to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit import metrics
from sinefit.engines.evaluation import EXACT_BITS
from sinefit.rendering.plan import RenderPlan
from sinefit.rendering.render import render_values
from sinefit.signals.grid import GridAxis
from sinefit.signals.storage import in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

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
PIECE: Final = 2**16
"""Samples between two looks at whether to stop, or more where they are evaluated quickly."""
ESTIMATED: Final = 16384
"""Samples of a quick estimate."""


class MeasuringStoppedError(Exception):
    """Measuring was asked to stop."""


@dataclass(frozen=True)
class Blend:
    """What of a field its values depend on: the networks, and the blocks that they are on."""

    network: Network
    blocks: BlockGrid
    numbers: Sequence[int] | None = None
    """None: the members are on all blocks in turn."""


@dataclass(frozen=True)
class Quality:
    """How close a field is to its signal in dB, over all samples or an estimate from some."""

    psnr: float
    """As saved: of values rounded to the signal's own sample type."""
    psnr_float: float
    """Of unrounded values."""
    snr: float
    """Signal-to-noise ratio as saved."""
    samples: int
    """Samples that it was measured on."""


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
) -> Quality:
    """Compare a field with the signal at every sample, by pieces.

    With a `count` below that of the samples the quality is estimated from at most so many of them,
    on a coarser lattice. `on_share` hears of the share done; `should_stop` is asked before every
    piece, True raises MeasuringStoppedError.
    """
    steps = lattice(signal.spec.shape, count)

    def measure(bits: int) -> Quality:
        return _measure(field, signal, steps, bits, on_share, should_stop)

    quality = measure(signal.spec.bit_depth)
    return measure(EXACT_BITS) if quality.psnr_float > FLOAT_PSNR else quality


def estimate_psnr(field: Blended, signal: Signal, count: int = ESTIMATED) -> float:
    """Return the PSNR of unrounded values over at most `count` samples, evenly spread."""
    steps = lattice(signal.spec.shape, count)
    total, values = 0.0, 0
    for outputs, samples in _pairs(field, signal, steps, signal.spec.bit_depth):
        difference = outputs.astype(np.float64) - signal.spec.to_unit(samples)
        total += float(np.square(difference).sum())
        values += difference.size
    return metrics.psnr(total / values, 2.0)


def lattice(shape: Sequence[int], count: int | None) -> tuple[int, ...]:
    """Return the steps along each axis that leave at most `count` samples, None all of them.

    They are odd: whatever a codec does with every second or eighth sample comes at its share.
    """
    steps = [1] * len(shape)
    while count is not None and _left(shape, steps) > count:
        # The axis that has most samples left can spare some.
        axis = max(range(len(shape)), key=lambda axis: shape[axis] / steps[axis])
        if steps[axis] >= shape[axis]:
            break
        steps[axis] += 2
    return tuple(steps)


def _left(shape: Sequence[int], steps: Sequence[int]) -> int:
    return math.prod(-(-size // step) for size, step in zip(shape, steps, strict=True))


def _pairs(
    field: Blended, signal: Signal, steps: tuple[int, ...], bits: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.generic]]]:
    """Yield the field's values on a lattice, and the signal's samples there, by pieces."""
    axes, index = [], []
    for size, step in zip(signal.spec.shape, steps, strict=True):
        count = -(-size // step)
        first = (size - 1 - (count - 1) * step) // 2  # as far from one end as from the other
        axes.append(GridAxis(size, first + 0.5 - step / 2, float(step), count))
        index.append(slice(first, None, step))
    chosen = signal.samples[tuple(index)]  # a view
    spec = replace(signal.spec, shape=chosen.shape[:-1], bit_depth=bits)
    done = 0
    for outputs in render_values(field, RenderPlan(tuple(axes), spec), PIECE):
        yield outputs, in_memory(chosen[done : done + len(outputs)])
        done += len(outputs)


def _measure(
    field: Blended,
    signal: Signal,
    steps: tuple[int, ...],
    bits: int,
    on_share: Callable[[float], None] | None,
    should_stop: Callable[[], bool] | None,
) -> Quality:
    spec = signal.spec
    unit = spec.value_range
    count = _left(spec.shape, steps)
    error = error_stored = power = 0.0
    done = 0
    for outputs, samples in _pairs(field, signal, steps, bits):
        if should_stop is not None and should_stop():
            raise MeasuringStoppedError
        truth = samples.astype(np.float64)
        error += metrics.squared_error(spec.from_unit(outputs), truth, unit)
        error_stored += metrics.squared_error(spec.store(outputs).astype(np.float64), truth, unit)
        power += float(np.square(truth / unit).sum())
        done += math.prod(samples.shape[:-1])
        if on_share is not None:
            on_share(done / count)
    values = count * spec.channels
    return Quality(
        metrics.psnr(error_stored / values, 1.0),
        metrics.psnr(error / values, 1.0),
        metrics.snr(error_stored / values, power / values),
        count,
    )
