"""Masks: which samples of a signal are known, and a guess for those that are not.

A fit draws known samples only, and is measured on no others. The unknown ones hold a smooth guess,
so that whatever looks at a signal as a whole, at its spectrum for one, sees no holes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sinefit.errors import InputError, SettingError
from sinefit.signals.storage import allocate_samples, let_go

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.signals.signal import Signal


def with_known(signal: Signal, known: NDArray[np.bool_], why: str) -> Signal:
    """Return a signal of whose samples only some are known: those of `known`, of its shape.

    Its unknown samples hold a guess, see `filled`. `why`, such as "the mask leaves out", begins the
    notice on how many they are. Raises InputError where no sample is known.
    """
    if signal.known is not None:
        known = known & signal.known
    count, left = known.size, int(known.sum())
    if left == count:
        return signal
    name = signal.spec.source or "the signal"
    if left == 0:
        raise InputError(f"{name}: {why} all {count} samples: keep some to fit")
    notice = f"{name}: {why} {count - left} of {count} samples, which the field fills"
    samples = filled(signal.samples, known)
    return replace(signal, samples=samples, known=known, notices=(*signal.notices, notice))


def without_nan(signal: Signal) -> Signal:
    """Return a signal whose samples with a NaN in any channel are unknown."""
    if signal.samples.dtype.kind != "f":
        return signal
    known = np.ones(signal.spec.shape, np.bool_)
    for row, values in enumerate(signal.samples):
        known[row] = ~np.isnan(values).any(axis=-1)
    let_go(signal.samples)
    return signal if known.all() else with_known(signal, known, "NaN leaves out")


def by_alpha(signal: Signal) -> Signal:
    """Return a picture without its alpha channel, its fully transparent pixels unknown.

    Raises SettingError for a signal without such a channel.
    """
    spec = signal.spec
    if not spec.alpha:
        name = spec.source or "the signal"
        raise SettingError(f"`mask` is alpha: {name} has no alpha channel; name a mask's file")
    known = signal.samples[..., -1] != 0
    opaque = replace(spec, channels=spec.channels - 1, alpha=False)
    samples = np.ascontiguousarray(signal.samples[..., :-1])
    return with_known(replace(signal, spec=opaque, samples=samples), known, "the alpha leaves out")


def by_mask(signal: Signal, mask: Any, name: str = "the mask") -> Signal:
    """Return a signal with the samples known at which a mask is not zero.

    The mask has the signal's shape; of a video that of one frame does for all. `name` is what
    errors call it: SettingError for one of another shape or of NaN, InputError for one that keeps
    nothing.
    """
    values = np.asarray(mask)
    shape = signal.spec.shape
    if values.shape not in (shape, shape[1:] if signal.spec.kind == "video" else shape):
        sizes = [" x ".join(map(str, each)) or "no axes" for each in (values.shape, shape)]
        raise SettingError(
            f"`mask`: {name} is {sizes[0]}, the signal {sizes[1]}: make a mask of the signal's size"
        )
    if values.dtype.kind not in "biuf" or (values.dtype.kind == "f" and np.isnan(values).any()):
        raise SettingError(f"`mask`: {name} holds no numbers: give 0 to leave out, others to keep")
    known = np.broadcast_to(values != 0, shape)
    return with_known(signal, known, f"{name} leaves out")


def reduced(known: NDArray[np.bool_], factor: int) -> NDArray[np.bool_]:
    """Return what is known of pixels that are averaged `factor` by `factor`: where all were."""
    for axis in (-2, -1):
        begins = np.arange(0, known.shape[axis], factor)
        known = np.logical_and.reduceat(known, begins, axis=axis)
    return known


def filled(samples: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[Any]:
    """Return a copy of samples (*shape, channels) with a smooth guess where they are not known.

    It is the mean of the known ones nearby, at the finest scale that has any: means of pairs are
    pulled up to ever coarser grids and pushed down again, with the linear interpolation of each
    (pull-push: Gortler et al., 1996, The Lumigraph, section 3.4.2).
    """
    found = allocate_samples(samples.shape, samples.dtype)
    for channel in range(samples.shape[-1]):
        values = np.where(known, samples[..., channel], 0).astype(np.float64)
        guess: NDArray[Any] = _pull_push(values, known.astype(np.float64))
        if samples.dtype.kind in "iu":
            limits = np.iinfo(samples.dtype)
            guess = np.clip(np.rint(guess), limits.min, float(limits.max) * (1.0 - 2.0**-53))
        elif samples.dtype.kind == "b":
            guess = guess >= 0.5
        found[..., channel] = np.where(known, samples[..., channel], guess.astype(samples.dtype))
    let_go(found)
    return found


def _pull_push(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values, 0 where their weight is, with those of weight 0 guessed from the others."""
    if (weights > 0).all() or max(values.shape) == 1:
        return values
    coarse, share = values * weights, weights
    for axis, size in enumerate(values.shape):
        begins = np.arange(0, size, 2)
        coarse, share = (np.add.reduceat(each, begins, axis=axis) for each in (coarse, share))
    means = np.divide(coarse, share, out=np.zeros_like(coarse), where=share > 0)
    guess = _pull_push(means, (share > 0).astype(np.float64))
    for axis, size in enumerate(values.shape):
        guess = _between(guess, size, axis)
    return np.where(weights > 0, values, guess)


def _between(means: NDArray[np.float64], size: int, axis: int) -> NDArray[np.float64]:
    """Return means of pairs along an axis at the `size` samples of it, interpolated linearly."""
    places = (np.arange(size) - 0.5) / 2.0
    first = np.clip(np.floor(places).astype(np.int64), 0, means.shape[axis] - 1)
    last = np.minimum(first + 1, means.shape[axis] - 1)
    shares = np.clip(places - first, 0.0, 1.0)
    shares = shares.reshape([-1 if place == axis else 1 for place in range(means.ndim)])
    found: NDArray[np.float64] = means.take(first, axis=axis) * (1.0 - shares)
    found += means.take(last, axis=axis) * shares
    return found
