"""Choosing the first layer's frequencies to suit a signal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from sinefit.errors import SettingError
from sinefit.theory.spectra import axis_centroids

if TYPE_CHECKING:
    from sinefit.initializers.base import Initializer
    from sinefit.networks.size import NetworkSize
    from sinefit.signals.signal import Signal

CENTROID_SHARE: Final = 0.25
"""Standard deviation of the first layer's frequencies, as a share of the spectrum's centroid."""
LOWEST_FREQUENCY: Final = 1.0
"""Radians per unit of a coordinate: less than one wave over the domain, for an even signal."""


def resolve_omega(
    omega: tuple[float, ...] | None,
    initializer: Initializer,
    signal: Signal,
    size: NetworkSize,
) -> tuple[float, ...]:
    """Return one factor per coordinate; None derives them from the signal."""
    features = signal.spec.coordinate_features
    if omega is None:
        return tuple(
            initializer.omega_for(frequency, size) for frequency in first_frequencies(signal)
        )
    if len(omega) == 1:
        return omega * features
    if len(omega) != features:
        raise SettingError(
            f"`omega` has {len(omega)} values, the signal has {features} coordinates: "
            "give one value, or one per coordinate"
        )
    return omega


def first_frequencies(signal: Signal) -> tuple[float, ...]:
    """Return the first layer's standard deviation of frequencies that suits a signal.

    One per coordinate, in radians per unit: `CENTROID_SHARE` of the centroid of the signal's
    spectrum along that axis, which n samples over a length of 2 turn into pi n times the centroid.
    On the sphere one frequency serves all three coordinates: a turn along the equator has the
    length 2 pi, from pole to pole it is pi.
    """
    spec = signal.spec
    centroids = axis_centroids(signal)
    if spec.domain == "sphere":
        rows, columns = spec.shape
        latitude, longitude = 2.0 * rows * centroids[0], columns * centroids[1]
        return (_bounded((latitude + longitude) / 2.0, columns / 2.0),) * 3
    return tuple(
        _bounded(math.pi * count * centroid, math.pi * count / 2.0)
        for count, centroid in zip(spec.shape, centroids, strict=True)
    )


def _bounded(centroid: float, nyquist: float) -> float:
    return max(LOWEST_FREQUENCY, min(CENTROID_SHARE * centroid, nyquist))
