"""How close the gradient of a field is to the differences between the signal's samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit import metrics
from sinefit.fitting.lattice import axis_of, lattice, whole
from sinefit.fitting.measure import MeasuringStoppedError
from sinefit.rendering.derivatives import differentiate
from sinefit.signals.storage import in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sinefit.fitting.holdout import Holdout
    from sinefit.rendering.blended import Blended
    from sinefit.signals.signal import Signal

MEASURED: Final = 2**15
"""Samples that the gradient is measured on at most, evenly spread: one takes as long as evaluating
some five of them."""
MOST: Final = 4
"""Times as many that are differentiated to find so many that were held out."""
SLAB_VALUES: Final = 2**16
"""Derivatives between two looks at whether to stop."""


def gradient_psnr(
    field: Blended,
    signal: Signal,
    holdout: Holdout | None = None,
    *,
    count: int = MEASURED,
    should_stop: Callable[[], bool] | None = None,
) -> float | None:
    """Return the PSNR in dB of a field's gradient, of unrounded values.

    The field's gradient is exact, by automatic differentiation, per sample along each axis. It is
    held against the central differences of the signal, (y[i+1] - y[i-1]) / 2, at the ends of an
    axis one-sided: the test of TUNER (Novello et al., 2025, Tuning the frequencies). PSNR is 10
    log10(R^2 / MSE) with the mean over samples, axes and channels and with R the range of such
    differences, from minus to plus half the range of the values: R is the range of the values
    itself.

    With a `holdout` it is measured on the samples that were held out, else on all, of either on a
    lattice of at most about `count`; not where a difference takes an unknown sample. None for a
    signal without axes of two samples and where none is left. Raises MeasuringStoppedError where
    `should_stop` is true.
    """
    shape = signal.spec.shape
    lengthy = [axis for axis, size in enumerate(shape) if size > 1]
    if not lengthy:
        return None
    axes, chosen = _chosen(shape, holdout, count)
    if signal.known is not None:
        chosen &= _surrounded(signal.known)[np.ix_(*axes)]
        if not chosen.any():
            return None
    grid = tuple(axis_of(size, along) for size, along in zip(shape, axes, strict=True))
    total, done = 0.0, 0
    for found in differentiate(field, grid, signal.spec, 1, SLAB_VALUES):
        if should_stop is not None and should_stop():
            raise MeasuringStoppedError
        rows = found.first.shape[1]
        (first, *others), there = axes, chosen[done : done + rows]
        places = [
            np.asarray(along)[number]
            for along, number in zip(
                (first[done : done + rows], *others), np.nonzero(there), strict=True
            )
        ]
        for axis in lengthy:
            slopes = found.first[axis].double().numpy()[there]  # (chosen, channels)
            total += float(np.square(slopes - differences(signal, places, axis)).sum())
        done += rows
    values = int(chosen.sum()) * len(lengthy) * signal.spec.channels
    return metrics.psnr(total / values, signal.spec.target_range)


def differences(
    signal: Signal, places: Sequence[NDArray[np.int64]], axis: int
) -> NDArray[np.float64]:
    """Return central differences along an axis at samples (count, channels), one-sided at its ends.

    Values are mapped to [-1, 1]. Around a sphere an axis has no ends.
    """
    size = signal.spec.shape[axis]
    ends, values = [], []
    for side in (-1, 1):
        moved = places[axis] + side
        if not (signal.spec.domain == "sphere" and axis == 1):
            moved = np.clip(moved, 0, size - 1)
        index = (*places[:axis], moved % size, *places[axis + 1 :])
        ends.append(moved)
        values.append(signal.spec.to_unit(in_memory(signal.samples[index])).astype(np.float64))
    return (values[1] - values[0]) / (ends[1] - ends[0])[:, None]


def _surrounded(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which samples and their neighbours along every axis are all known."""
    found = known.copy()
    for axis in range(known.ndim):
        lines, mine = np.moveaxis(known, axis, 0), np.moveaxis(found, axis, 0)  # views
        mine[1:] &= lines[:-1]
        mine[:-1] &= lines[1:]
        # Around a sphere the ends are neighbours; elsewhere little is lost.
        mine[0] &= lines[-1]
        mine[-1] &= lines[0]
    return found


def _chosen(
    shape: Sequence[int], holdout: Holdout | None, count: int
) -> tuple[tuple[range, ...], NDArray[np.bool_]]:
    """Return a lattice, as numbers along each axis, and which of its samples to measure on."""
    if holdout is None:
        axes = lattice(whole(shape), count)
        return axes, np.ones([len(along) for along in axes], np.bool_)
    most = min(MOST * count, round(count / holdout.held_share(len(shape))))
    axes = lattice(whole(shape), most, holdout.step)
    chosen = holdout.held(shape, axes)
    if not chosen.any():  # those of a small signal can all lie off the lattice
        axes = whole(shape)
        chosen = holdout.held(shape, axes)
    return axes, chosen
