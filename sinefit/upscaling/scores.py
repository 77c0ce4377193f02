"""A field of a signal with fewer samples, held against the original and against usual methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sinefit import metrics
from sinefit.memory import check_memory
from sinefit.rendering.footprints import footprints_of
from sinefit.rendering.plan import RenderPlan
from sinefit.rendering.render import render_values
from sinefit.upscaling.baselines import BASELINES
from sinefit.upscaling.reducing import faster, reduced, render_axes, slower

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sinefit.fields.field import Field
    from sinefit.signals.signal import Signal

COPIES = 12
"""Copies of the original's values in float32 that scoring holds at most."""
FIELD = "field"


@dataclass(frozen=True)
class MethodScore:
    """How close a method comes to the original."""

    method: str
    """"field", or the name of a baseline."""
    psnr: float
    """In dB over the original's value range, of values rounded to its type; of a sound over the
    band that the fewer samples carry, of a video over the frames that were left out."""
    ssim: float | None = None
    """Structural similarity of a picture, of a video the mean over the frames left out."""
    above: float | None = None
    """Power of a sound above that band, in dB below that of the sound."""


def score_upscaling(
    signal: Signal, factor: int, fit: Callable[[Signal], Field]
) -> list[MethodScore]:
    """Reduce a signal, `fit` what is left, render it back, and score that beside the usual methods.

    See `reducing.reduced` for what is left. The field's score is the last. Raises SettingError for
    signals that cannot be reduced so, MemoryLimitError for those that do not fit in memory.
    """
    count = signal.spec.sample_count * signal.spec.channels
    check_memory(
        4 * COPIES * count,
        "to score upscaling {} are needed in memory",
        "take a part with `region` or `duration`",
    )
    fewer, original = reduced(signal, factor)
    values = fewer.spec.to_unit(fewer.samples)
    found = [
        _score(method, upscale(values, factor), original, factor)
        for method, upscale in BASELINES[signal.spec.kind].items()
    ]
    field = fit(fewer)
    axes = render_axes(fewer.spec, factor)
    spec = fewer.spec.with_shape(tuple(axis.count for axis in axes))
    plan = RenderPlan(axes, spec, footprints=footprints_of(field.spec, axes, None))
    rendered = np.concatenate(list(render_values(field, plan)))
    return [*found, _score(FIELD, rendered, original, factor)]


def _score(method: str, values: NDArray[np.float32], original: Signal, factor: int) -> MethodScore:
    """Score values (*shape, channels), -1 to 1 over the range, on the original's grid."""
    spec = original.spec
    if spec.kind == "audio":
        return _sound_score(method, values, original, factor)
    stored, truth = spec.store(values), original.samples
    if spec.kind == "video":
        left_out = np.arange(len(truth)) % factor != 0
        stored, truth = stored[left_out], truth[left_out]
    error = metrics.squared_error(
        stored.astype(np.float64), truth.astype(np.float64), spec.value_range
    )
    pairs = zip(truth, stored, strict=True) if spec.kind == "video" else [(truth, stored)]
    similar = [metrics.ssim(first, second, spec.value_range) for first, second in pairs]
    return MethodScore(method, metrics.psnr(error / truth.size, 1.0), ssim=float(np.mean(similar)))


def _sound_score(
    method: str, values: NDArray[np.float32], original: Signal, factor: int
) -> MethodScore:
    truth = _in_band(original.spec.to_unit(original.samples), factor)
    inside = _in_band(values, factor)
    error = float(np.square(inside - truth, dtype=np.float64).mean())
    power = float(np.square(inside, dtype=np.float64).mean())
    outside = float(np.square(values - inside, dtype=np.float64).mean())
    return MethodScore(method, metrics.psnr(error, 2.0), above=metrics.psnr(outside, power**0.5))


def _in_band(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return what of a sound a `factor` of fewer samples carries."""
    return faster(slower(values, factor), factor)
