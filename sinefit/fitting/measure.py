"""The error of a field against the signal it was fitted to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit import metrics
from sinefit.engines.evaluation import EXACT_BITS
from sinefit.fitting.choice import SampleChoice
from sinefit.fitting.lattice import axis_of, lattice, whole
from sinefit.rendering.plan import RenderPlan
from sinefit.rendering.render import render_values
from sinefit.signals.storage import in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from sinefit.fitting.holdout import Holdout
    from sinefit.networks.network import Network
    from sinefit.rendering.blended import Blended
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import Signal, SignalSpec

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


@dataclass(frozen=True)
class Quality:
    """How close a field is to its signal in dB, over all samples or an estimate from some.

    Without those that were held out, which have a figure of their own, and those that are unknown.
    """

    psnr: float
    """As saved: of values rounded to the signal's own sample type."""
    psnr_float: float
    """Of unrounded values."""
    snr: float
    """Signal-to-noise ratio as saved."""
    samples: int
    """Samples that it was measured on, those held out and those unknown among them."""
    psnr_holdout: float | None = None
    """PSNR as saved over the samples that were held out."""


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
) -> Quality:
    """Compare a field with the signal at every sample, by pieces.

    Samples that the fit held out by `holdout` are scored apart. With a `count` below that of the
    samples the quality is estimated from at most so many of them, on a coarser lattice. `on_share`
    hears of the share done; `should_stop` is asked before every piece, True raises
    MeasuringStoppedError.
    """
    choice = SampleChoice.of(signal, holdout)
    places = lattice(whole(signal.spec.shape), count, choice.step)

    def measure(bits: int) -> Quality:
        return _measure(field, signal, places, bits, on_share, should_stop, choice)

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
    total, values = 0.0, 0
    for outputs, samples, fitted, _ in _pairs(field, signal, places, signal.spec.bit_depth, choice):
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
    for outputs, truth, fitted, _ in _pairs(field, signal, places, signal.spec.bit_depth, choice):
        missing = signal.spec.to_unit(truth, "float64") - outputs
        total += missing[fitted].sum(axis=0)
        samples += int(fitted.sum())
    return total / max(1, samples)


def held_out_psnr(field: Blended, signal: Signal, holdout: Holdout, count: int) -> float:
    """Return the PSNR of unrounded values over held-out ones of at most `count` samples."""
    choice = SampleChoice.of(signal, holdout)
    places = lattice(whole(signal.spec.shape), count, choice.step)
    total, values = 0.0, 0
    for outputs, samples, _, held in _pairs(field, signal, places, signal.spec.bit_depth, choice):
        difference = outputs[held].astype(np.float64) - signal.spec.to_unit(samples[held])
        total += float(np.square(difference).sum())
        values += difference.size
    return metrics.psnr(total / values, signal.spec.target_range) if values else -math.inf


def held_out_work(signal: Signal, holdout: Holdout, count: int) -> int:
    """Return how many samples `held_out_psnr` evaluates."""
    places = lattice(whole(signal.spec.shape), count, holdout.step)
    return math.prod(len(along) for along in places)


def _pairs(
    field: Blended,
    signal: Signal,
    places: tuple[range, ...],
    bits: int,
    choice: SampleChoice,
) -> Iterator[
    tuple[NDArray[np.float32], NDArray[np.generic], NDArray[np.bool_], NDArray[np.bool_]]
]:
    """Yield the field's values on a lattice and the signal's samples there.

    With them comes which are fitted and which held out, all by pieces along the first axis.
    """
    shape = signal.spec.shape
    axes = tuple(axis_of(size, along) for size, along in zip(shape, places, strict=True))
    chosen = signal.samples[tuple(slice(each.start, None, each.step) for each in places)]  # a view
    spec = replace(signal.spec, shape=chosen.shape[:-1], bit_depth=bits)
    first, *others = places
    done = 0
    plan = RenderPlan(
        axes,
        spec,
        footprints=(spec.footprint,) * spec.axes,
        widths=(1.0,) * spec.axes,  # those of the signal's samples, however far apart these are
    )
    for outputs in render_values(field, plan, PIECE):
        rows = slice(done, done + len(outputs))
        fitted, held = choice.roles((first[rows], *others))
        yield outputs, in_memory(chosen[rows]), fitted, held
        done += len(outputs)


def _measure(
    field: Blended,
    signal: Signal,
    places: tuple[range, ...],
    bits: int,
    on_share: Callable[[float], None] | None,
    should_stop: Callable[[], bool] | None,
    choice: SampleChoice,
) -> Quality:
    count = math.prod(len(along) for along in places)
    tally = Tally(signal.spec)
    for outputs, samples, chosen, held in _pairs(field, signal, places, bits, choice):
        if should_stop is not None and should_stop():
            raise MeasuringStoppedError
        if choice.is_all:  # no copy of what is whole
            tally.add(outputs, samples)
        else:
            tally.add(outputs, samples, chosen, held)
        if on_share is not None:
            on_share(tally.done / count)
    return tally.quality()


class Tally:
    """The errors of a field's values against the samples of its signal, added up by pieces."""

    def __init__(self, spec: SignalSpec) -> None:
        self._spec = spec
        self._error = self._error_stored = self._error_held = self._power = 0.0
        self.done = 0
        """Samples that have been compared."""
        self._scored = self._held_out = 0

    def add(
        self,
        outputs: NDArray[np.float32],
        samples: NDArray[np.generic],
        fitted: NDArray[np.bool_] | None = None,
        held: NDArray[np.bool_] | None = None,
    ) -> None:
        """Compare outputs (..., channels) with samples there, which are in memory.

        `fitted` (...) tells which of them count, None for all, and `held` which are held out.
        """
        spec, count = self._spec, math.prod(samples.shape[:-1])
        unit = spec.value_range
        truth = samples.astype(np.float64)
        stored = spec.store(outputs).astype(np.float64)
        chosen = slice(None) if fitted is None else fitted
        self._error += metrics.squared_error(spec.from_unit(outputs)[chosen], truth[chosen], unit)
        self._error_stored += metrics.squared_error(stored[chosen], truth[chosen], unit)
        self._power += float(np.square(truth[chosen] / unit).sum())
        if held is not None:
            self._error_held += metrics.squared_error(stored[held], truth[held], unit)
            self._held_out += int(held.sum())
        self.done += count
        self._scored += count if fitted is None else int(fitted.sum())

    def quality(self) -> Quality:
        """Return what all that was added amounts to."""
        channels = self._spec.channels
        values = max(1, self._scored) * channels
        held = None
        if self._held_out:
            held = metrics.psnr(self._error_held / (self._held_out * channels), 1.0)
        return Quality(
            metrics.psnr(self._error_stored / values, 1.0),
            metrics.psnr(self._error / values, 1.0),
            metrics.snr(self._error_stored / values, self._power / values),
            self.done,
            held,
        )
