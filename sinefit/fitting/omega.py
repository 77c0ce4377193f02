"""Choosing the first layer's frequencies to suit a signal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

from sinefit.errors import SettingError
from sinefit.fitting.omega_choice import AUTO, NyquistShare
from sinefit.theory.spectra import MAX_LINES, axis_centroids

if TYPE_CHECKING:
    from sinefit.initializers.base import Initializer
    from sinefit.networks.size import NetworkSize
    from sinefit.signals.signal import Signal, SignalSpec

CENTROID_SHARE: Final = 0.25
"""Standard deviation of the first layer's frequencies, as a share of the spectrum's centroid."""
BLOCK_SHARE: Final = 0.35
"""The same for the network of a block, whose few neurons have fewer frequencies to make others of:
0.25 ends 0.5 to 1.5 dB lower on photographs and sound."""
FILLING_SHARE: Final = 0.6
"""Share of these for a picture with unknown samples: lower frequencies continue what is around
them. On photographs thin lines and half of the pixels are filled in 0.5 to 2 dB better, and what is
known is met 1 to 2 dB worse."""
LOWEST_FREQUENCY: Final = 1.0
"""Radians per unit of a coordinate: less than one wave over the domain, for an even signal."""


def resolve_omega(
    omega: tuple[float | NyquistShare, ...] | Literal["auto"],
    initializer: Initializer,
    signal: Signal,
    size: NetworkSize,
    share: float = CENTROID_SHARE,
    lines: int = MAX_LINES,
    *,
    noisy: bool = False,
) -> tuple[float, ...]:
    """Return one factor per coordinate; "auto" derives them from the signal: `first_frequencies`.

    `share` is that of the centroid, which is measured on at most so many `lines` per axis, of a
    `noisy` signal without the noise.
    """
    if omega == AUTO:
        return tuple(
            initializer.omega_for(frequency, size)
            for frequency in first_frequencies(signal, share, lines, noisy=noisy)
        )
    return factors_on(omega, initializer, signal.spec)


def factors_on(
    omega: tuple[float | NyquistShare, ...], initializer: Initializer, spec: SignalSpec
) -> tuple[float, ...]:
    """Return one factor per coordinate of a signal's grid, of one for all or one for each.

    Raises SettingError for another number of them.
    """
    features = spec.coordinate_features
    if len(omega) == 1:
        omega *= features
    if len(omega) != features:
        raise SettingError(
            f"`omega` has {len(omega)} values, the signal has {features} coordinates: "
            "give one value, or one per coordinate"
        )
    return tuple(
        initializer.omega_at(factor.share, nyquist) if isinstance(factor, NyquistShare) else factor
        for factor, nyquist in zip(omega, nyquist_frequencies(spec), strict=True)
    )


def nyquist_frequencies(spec: SignalSpec) -> tuple[float, ...]:
    """Return the highest frequency that a signal's samples hold along each coordinate.

    In radians per unit: n samples over a length of 2 hold pi n/2, or pi (n - 1)/2 where they lie
    from end to end. On the sphere it is that of its
    equator, n samples over a length of 2 pi, for all three coordinates.
    """
    if spec.domain == "sphere":
        return (spec.shape[1] / 2.0,) * 3
    return tuple(math.pi * count / 2.0 for count in _samples_across(spec))


def _samples_across(spec: SignalSpec) -> tuple[int, ...]:
    """Return how many distances between samples the length 2 of each axis is."""
    if spec.coordinates == "ends":
        return tuple(max(1, count - 1) for count in spec.shape)
    return spec.shape


def first_frequencies(
    signal: Signal,
    share: float = CENTROID_SHARE,
    lines: int = MAX_LINES,
    *,
    noisy: bool = False,
) -> tuple[float, ...]:
    """Return the first layer's standard deviation of frequencies that suits a signal.

    One per coordinate, in radians per unit: a share of the centroid of the signal's
    spectrum along that axis, which n samples over a length of 2 turn into pi n times the centroid.
    On the sphere one frequency serves all three coordinates: a turn along the equator has the
    length 2 pi, from pole to pole it is pi.
    """
    spec = signal.spec
    centroids = axis_centroids(signal, lines, noisy=noisy)
    nyquist = nyquist_frequencies(spec)
    if spec.domain == "sphere":
        rows, columns = spec.shape
        latitude, longitude = 2.0 * rows * centroids[0], columns * centroids[1]
        return (_bounded(share * (latitude + longitude) / 2.0, nyquist[0]),) * 3
    return tuple(
        _bounded(share * math.pi * count * centroid, highest)
        for count, centroid, highest in zip(_samples_across(spec), centroids, nyquist, strict=True)
    )


def _bounded(frequency: float, nyquist: float) -> float:
    return max(LOWEST_FREQUENCY, min(frequency, nyquist))
