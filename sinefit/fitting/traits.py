"""What initializers may know of a signal, measured from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinefit.initializers.base import SignalTraits

if TYPE_CHECKING:
    from sinefit.signals.signal import Signal, SignalSpec


def coordinate_shape(spec: SignalSpec) -> tuple[int, ...]:
    """Return the samples along each coordinate.

    Along each one of the sphere there are as many as along half its equator, spread over the
    diameter.
    """
    return (max(1, spec.shape[1] // 2),) * 3 if spec.domain == "sphere" else spec.shape


def signal_traits(signal: Signal, *, with_spectrum: bool = True) -> SignalTraits:
    """Measure a signal's traits; what none looks at, its spectrum, can be left out."""
    # Shapes alone need no NumPy, which a command that only parses settings need not wait for.
    from sinefit.theory.spectra import row_centroid

    spec = signal.spec
    return SignalTraits(
        shape=coordinate_shape(spec),
        channels=spec.channels,
        # Points spread evenly over [-1, 1] and over the unit sphere have the same mean square.
        mean_square_coordinate=1.0 / 3.0,
        spectral_centroid=row_centroid(signal) if with_spectrum else 0.0,
    )
