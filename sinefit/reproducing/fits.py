"""The fits of the studies: the papers' training, one network, equal seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sinefit import metrics
from sinefit.api.fits import fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.fields.field import Field
    from sinefit.reproducing.study import Materials
    from sinefit.signals.signal import Signal


def train(materials: Materials, signal: Signal, what: str, **settings: Any) -> Field:
    """Fit a network to a signal by the papers' training, and return the field.

    `settings` are those of `sinefit.fit`; a learning rate or omega that is not among them is the
    published one of the scheme. A fit that diverges is its best field.
    """
    from sinefit.fitting.report import FitDivergedError

    materials.tell(f"fitting {what}")
    try:
        return fit(signal, recipe="paper", seed=materials.seed, dtype="float32", **settings)
    except FitDivergedError as error:
        return error.result.field


def quality(field: Field) -> float:
    """Return the PSNR of a field on what it was fitted to, in dB of values not rounded."""
    found = field.record.psnr_float
    assert found is not None  # measured by every fit that ends
    return found


def unit_values(field: Field, scale: float = 1.0) -> NDArray[np.float64]:
    """Render a field and return its values in [-1, 1] about, (*shape, channels)."""
    rendered = field.render(scale=scale) if scale != 1.0 else field.render()
    return rendered.spec.to_unit(rendered.samples).astype(np.float64)


def between_samples(field: Field, scale: int) -> tuple[NDArray[np.float64], list[NDArray[Any]]]:
    """Render a field `scale` times as densely; return values and positions along each axis.

    Positions are in samples from the first one's centre. Those beyond the first and the last sample
    are left out. The values are (*positions, channels), not rounded.
    """
    rendered = field.render(scale=scale)
    values = rendered.spec.to_unit(rendered.samples).astype(np.float64)
    places = []
    for axis, size in enumerate(field.spec.shape):
        positions = (np.arange(values.shape[axis]) + 0.5) * size / values.shape[axis] - 0.5
        inside = (positions >= 0.0) & (positions <= size - 1.0)
        values = np.compress(inside, values, axis=axis)
        places.append(positions[inside])
    return values, places


def psnr_of(values: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    """Return the PSNR in dB of values whose full range is 2, that of the network's targets."""
    return metrics.psnr(float(np.square(values - truth).mean()), 2.0)
