"""A field held against an original signal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sinefit import metrics
from sinefit.errors import InputError, SettingError
from sinefit.rendering.plan import RenderPlan
from sinefit.rendering.render import render_values
from sinefit.signals.grid import GridAxis
from sinefit.signals.objects import as_signal
from sinefit.signals.signal import NOUNS

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from numpy.typing import NDArray

    from sinefit.fields.field import Field
    from sinefit.signals.objects import Source
    from sinefit.signals.signal import Signal, SignalSpec


def score_field(
    field: Field,
    original: Source,
    device: torch.device,
    on_share: Callable[[float], None] | None = None,
) -> dict[str, float]:
    """Render a field on the original's grid and score it.

    Unknown samples do not count. Returns `psnr` (of values rounded to the original's sample type)
    and `psnr_float` in dB over the original's value range, `psnr_range`, `snr` in dB for sound and
    `ssim` for images and video (the mean over frames). Raises SettingError when kind or channels
    differ, InputError for an original without samples.
    """
    fitted = field.spec
    original = as_signal(original, channels_last=fitted.channels_last, domain=fitted.domain)
    spec = original.spec
    if (spec.kind, spec.channels, spec.axes) != (fitted.kind, fitted.channels, fitted.axes):
        raise SettingError(
            f"the field holds {_described(fitted)}, {spec.source or 'the original'} "
            f"{_described(spec)}: compare it with a signal of the same kind"
        )
    if spec.sample_count == 0:
        raise InputError(f"{spec.source or 'the original'}: it has no samples to compare with")
    axes = tuple(
        GridAxis(size, 0.0, size / count, count)
        for size, count in zip(fitted.shape, spec.shape, strict=True)
    )
    unit = spec.value_range
    error = error_stored = power = 0.0
    similarity: list[float] = []
    picture: list[np.ndarray] = []
    done = 0
    # An array file does not say what its axes are: the field knows its own domain.
    plan = RenderPlan(axes, replace(spec, domain=fitted.domain, coordinates=fitted.coordinates))
    for piece in render_values(field.to(device), plan):
        truth = original.samples[done : done + len(piece)].astype(np.float64)
        values = _rescaled(piece, field, original)
        stored = spec.store(values).astype(np.float64)
        known: NDArray[np.bool_] | slice = slice(None)
        if original.known is not None:
            known = original.known[done : done + len(piece)]
            stored[~known] = truth[~known]  # what SSIM sees there is no fault
        error += metrics.squared_error(spec.from_unit(values)[known], truth[known], unit)
        error_stored += metrics.squared_error(stored[known], truth[known], unit)
        power += float(np.square(truth[known] / unit).sum())
        done += len(piece)
        if spec.kind == "video":
            pairs = zip(truth, stored, strict=True)
            similarity += [metrics.ssim(a, b, spec.value_range) for a, b in pairs]
        elif spec.kind == "image":
            picture.append(stored)
        if on_share is not None:
            on_share(done / spec.shape[0])
    samples = spec.sample_count if original.known is None else int(original.known.sum())
    count = samples * spec.channels
    scores = {
        "psnr": metrics.psnr(error_stored / count, 1.0),
        "psnr_float": metrics.psnr(error / count, 1.0),
        "psnr_range": unit,
    }
    if spec.kind == "audio":
        scores["snr"] = metrics.snr(error_stored / count, power / count)
    elif spec.kind == "image":
        rendered = np.concatenate(picture)
        scores["ssim"] = metrics.ssim(original.samples, rendered, spec.value_range)
    elif spec.kind == "video":
        scores["ssim"] = float(np.mean(similarity))
    return scores


def _described(spec: SignalSpec) -> str:
    axes = f" of {spec.axes} axes" if spec.kind == "array" else ""
    channels = f"{spec.channels} channel{'s' if spec.channels > 1 else ''}"
    return f"{NOUNS[spec.kind]}{axes} with {channels}"


def _rescaled(values: np.ndarray, field: Field, original: Signal) -> np.ndarray:
    """Return network outputs as the original's value mapping would have them.

    Two files of one picture can differ in range: 8 and 16 bits, or the peak of another cut. Integer
    depths stand for the same full scale; everything else is compared in physical units.
    """
    mine, theirs = field.spec, original.spec
    if theirs.full_scale and mine.full_scale:
        if mine.targets == theirs.targets:
            return values
        mine = replace(mine, low=theirs.low, high=theirs.high)
    physical = mine.from_unit(values)
    with np.errstate(over="ignore"):  # the ranges may be worlds apart
        return theirs.to_unit(physical, "float64")
