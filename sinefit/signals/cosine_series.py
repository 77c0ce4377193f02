"""The series of cosines through the samples of a grid: its derivatives, and what has given ones.

Along an axis of N samples, n = 0 to N - 1, it is the sum over m < N of c_m cos(k_m (n + 1/2)) with
k_m = pi m / N: the discrete cosine transform (its second type), which goes through every sample and
is level at the outer faces of the first and the last cell, as if the signal were mirrored there.
So its derivatives, in values per sample, are exact, they fall to zero along the normal of the
border, and but for a constant they tell the whole series: Poisson's equation with such a border has
one solution of mean zero, which is read off the coefficients.

    stronger = np.where(abs(gradient(one)) > abs(gradient(other)), gradient(one), gradient(other))
    blend = integral_of_gradient(stronger)

mixes the gradients of two pictures (Perez, Gangnet & Blake, 2003, Poisson image editing, eq. 12).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.floating]


def gradient(values: Values) -> Values:
    """Return derivatives (axes, *shape, channels) of values (*shape, channels), per sample."""
    return np.stack([_slope(values, axis) for axis in range(values.ndim - 1)])


def laplacian(values: Values) -> Values:
    """Return the sum of second derivatives along the axes of values (*shape, channels)."""
    return np.asarray(sum(_bend(values, axis) for axis in range(values.ndim - 1)))


def integral_of_gradient(slopes: Values) -> Values:
    """Return the values (*shape, channels) of mean zero whose gradient is nearest to the given one.

    It is (axes, *shape, channels); nearest by the mean square over samples, axes and channels.
    """
    axes = range(len(slopes))
    total = np.zeros(slopes.shape[1:])
    for axis, along in enumerate(slopes):
        found = _sines(along, axis)
        for other in axes:
            if other != axis:
                found = _cosines(found, other)
        total -= _frequencies(found, axis) * found
    return _integrated(total)


def integral_of_laplacian(bends: Values) -> Values:
    """Return the values (*shape, channels) of mean zero whose Laplacian is the given one.

    The mean of that, which no such values have, is left out.
    """
    found = bends
    for axis in range(bends.ndim - 1):
        found = _cosines(found, axis)
    return _integrated(-found)


def _integrated(coefficients: Values) -> Values:
    """Return the series of coefficients over the squared frequencies, without the mean."""
    axes = range(coefficients.ndim - 1)
    squares = np.asarray(sum(_frequencies(coefficients, axis) ** 2 for axis in axes))
    squares[(0,) * squares.ndim] = 1.0
    found: Values = coefficients / squares
    found[(0,) * len(axes)] = 0.0
    for axis in axes:
        found = _sum_of_cosines(found, axis)
    return found


def _slope(values: Values, axis: int) -> Values:
    found = _cosines(values, axis)
    return _sum_of_sines(-_frequencies(found, axis) * found, axis)


def _bend(values: Values, axis: int) -> Values:
    found = _cosines(values, axis)
    return _sum_of_cosines(-(_frequencies(found, axis) ** 2) * found, axis)


def _frequencies(values: Values, axis: int) -> Values:
    """Return k_m in radians per sample along an axis, of a shape that values are multiplied by."""
    size = values.shape[axis]
    found: Values = np.pi / size * np.arange(size)
    return found.reshape([size if each == axis else 1 for each in range(values.ndim)])


def _turns(values: Values, axis: int) -> NDArray[np.complexfloating]:
    """Return exp(i k_m / 2): samples lie half a sample from where a transform has them."""
    found: NDArray[np.complexfloating] = np.exp(0.5j * _frequencies(values, axis))
    return found


def _cosines(values: Values, axis: int) -> Values:
    """Return the coefficients c_m along an axis, by the transform of the mirrored samples."""
    size = values.shape[axis]
    mirrored = np.concatenate([values, np.flip(values, axis)], axis)
    spectrum = np.take(np.fft.rfft(mirrored, axis=axis), range(size), axis)
    found = (spectrum * _turns(values, axis).conj()).real / size
    return _with_first(found, axis, 0.5)


def _sines(values: Values, axis: int) -> Values:
    """Return the coefficients of sin(k_m (n + 1/2)), m < N, of which that of m = 0 is 0."""
    size = values.shape[axis]
    mirrored = np.concatenate([values, -np.flip(values, axis)], axis)
    spectrum = np.take(np.fft.rfft(mirrored, axis=axis), range(size), axis)
    found = (1j * spectrum * _turns(values, axis).conj()).real / size
    return _with_first(found, axis, 0.0)


def _sum_of_cosines(coefficients: Values, axis: int) -> Values:
    size = coefficients.shape[axis]
    doubled = _with_first(size * coefficients, axis, 2.0)
    return _samples(doubled * _turns(coefficients, axis), axis)


def _sum_of_sines(coefficients: Values, axis: int) -> Values:
    size = coefficients.shape[axis]
    return _samples(-1j * size * coefficients * _turns(coefficients, axis), axis)


def _samples(spectrum: NDArray[np.complexfloating], axis: int) -> Values:
    """Return the first half of the samples that a spectrum without its last frequency has."""
    size = spectrum.shape[axis]
    found: Values = np.take(np.fft.irfft(spectrum, 2 * size, axis), range(size), axis)
    return found


def _with_first(values: Values, axis: int, factor: float) -> Values:
    """Return values of which those at m = 0 are multiplied by a factor."""
    index = tuple(slice(0, 1) if each == axis else slice(None) for each in range(values.ndim))
    values[index] *= factor
    return values
