"""The errors of a field's values at samples: sums of pieces, and what they amount to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sinefit import metrics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.signals.signal import SignalSpec


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


@dataclass(frozen=True)
class PieceErrors:
    """Sums over the samples of a piece, in units of the range of the values."""

    stored: float
    """Squared errors as saved, of the samples that count."""
    exact: float
    """The same of unrounded values."""
    power: float
    """Squares of the samples that count."""
    held: float
    """Squared errors as saved, of the samples that are held out."""
    samples: int
    """All of them."""
    scored: int
    """Samples that count."""
    held_out: int


def piece_errors(
    spec: SignalSpec,
    outputs: NDArray[np.float32],
    samples: NDArray[np.generic],
    fitted: NDArray[np.bool_] | None = None,
    held: NDArray[np.bool_] | None = None,
) -> PieceErrors:
    """Compare outputs (..., channels) with a signal's samples there, which are in memory.

    `fitted` (...) tells which of them count, None for all, and `held` which are held out.
    """
    count, unit = math.prod(samples.shape[:-1]), spec.value_range
    truth = samples.astype(np.float64)
    stored = spec.store(outputs).astype(np.float64)
    chosen = slice(None) if fitted is None else fitted
    return PieceErrors(
        stored=metrics.squared_error(stored[chosen], truth[chosen], unit),
        exact=metrics.squared_error(spec.from_unit(outputs)[chosen], truth[chosen], unit),
        power=float(np.square(truth[chosen] / unit).sum()),
        held=0.0 if held is None else metrics.squared_error(stored[held], truth[held], unit),
        samples=count,
        scored=count if fitted is None else int(fitted.sum()),
        held_out=0 if held is None else int(held.sum()),
    )


class Tally:
    """The errors of a field's values against the samples of its signal, added up by pieces.

    Sums of floats depend on their order in the last bits: pieces come in that of the samples.
    """

    def __init__(self, spec: SignalSpec) -> None:
        self._channels = spec.channels
        self._stored = self._exact = self._power = self._held = 0.0
        self.done = 0
        """Samples that have been compared."""
        self._scored = self._held_out = 0

    def add(self, piece: PieceErrors) -> None:
        """Add the sums of a piece."""
        self._stored += piece.stored
        self._exact += piece.exact
        self._power += piece.power
        self._held += piece.held
        self.done += piece.samples
        self._scored += piece.scored
        self._held_out += piece.held_out

    def quality(self) -> Quality:
        """Return what all that was added amounts to."""
        values = max(1, self._scored) * self._channels
        held = None
        if self._held_out:
            held = metrics.psnr(self._held / (self._held_out * self._channels), 1.0)
        return Quality(
            metrics.psnr(self._stored / values, 1.0),
            metrics.psnr(self._exact / values, 1.0),
            metrics.snr(self._stored / values, self._power / values),
            self.done,
            held,
        )
