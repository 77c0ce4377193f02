"""The frequencies that a second sine layer makes of those of the first.

A neuron sin(Σ a_j sin(w_j x + p_j) + b) is the sum over integer vectors k of
α_k sin(<k, w x + p> + b) with α_k = Π J_{k_j}(a_j), and |α_k| <= Π (|a_j|/2)^|k_j| / |k_j|!
(Novello et al. 2025, TUNER, theorems 1 and 2; for one frequency the Jacobi-Anger expansion).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.theory.bessel import bessel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

MOST_TERMS: Final = 20_000
"""Of an expansion: every integer vector k is one."""


@dataclass(frozen=True)
class Harmonic:
    """One term of the expansion, k and -k being different ones."""

    k: tuple[int, ...]
    """How often each frequency of the first layer is counted in."""
    frequency: float
    """<k, w>, in the unit of w."""
    amplitude: float
    """α_k, the product of Bessel functions."""
    bound: float
    """What |α_k| is never above."""


def harmonics(
    frequencies: Sequence[float], weights: Sequence[float], order: int
) -> tuple[Harmonic, ...]:
    """Return the terms of a neuron with |k_1| + |k_2| + ... <= `order`, rising in order.

    Raises ValueError for more than `MOST_TERMS`.
    """
    vectors = list(itertools.islice(_vectors(len(weights), order), MOST_TERMS + 1))
    if len(vectors) > MOST_TERMS:
        raise ValueError(f"{len(weights)} frequencies have too many terms up to order {order}")
    values = np.asarray(weights, dtype=np.float64)
    table = [bessel(k, values) for k in range(order + 1)]  # of every weight, by order
    found = []
    for k in vectors:
        factors = [
            # J_-k = (-1)^k J_k
            float(table[abs(part)][place]) * (-1.0 if part < 0 and part % 2 else 1.0)
            for place, part in enumerate(k)
        ]
        frequency = math.fsum(part * w for part, w in zip(k, frequencies, strict=True))
        found.append(Harmonic(k, frequency, math.prod(factors), amplitude_bound(k, weights)))
    return tuple(found)


def amplitude_bound(k: Sequence[int], weights: Sequence[float]) -> float:
    """Return Π (|a_j|/2)^|k_j| / |k_j|!, which no |α_k| exceeds."""
    return math.prod(
        (abs(a) / 2.0) ** abs(part) / math.factorial(abs(part))
        for part, a in zip(k, weights, strict=True)
    )


def line_bounds(
    numbers: Sequence[int], weights: Sequence[float], frequencies: int
) -> NDArray[np.float64]:
    """Return what the amplitude of each whole frequency 0, 1, ... of a neuron is never above.

    `numbers` are whole frequencies of the first layer, `weights` the neuron's. It is the sum of the
    bounds of all k, of any order, that make the frequency or its negative. With r = |a|/2 the
    bounds of one weight are the Fourier coefficients of 2 Re exp(r exp(i n t)) - 1, and a product
    of such functions has those of all weights together.
    """
    reach = max(1, *(abs(n) for n in numbers)) * 24 + frequencies
    points = 1 << math.ceil(math.log2(2 * reach))
    turn = 2.0 * np.pi * np.arange(points) / points
    product = np.ones(points)
    for n, a in zip(numbers, weights, strict=True):
        product *= 2.0 * np.exp(abs(a) / 2.0 * np.exp(1j * n * turn)).real - 1.0
    # Every coefficient is a sum of bounds: what is below 0 is rounding.
    coefficients = np.maximum((np.fft.rfft(product).real / points)[:frequencies], 0.0)
    coefficients[1:] *= 2.0
    found: NDArray[np.float64] = coefficients
    return found


def line_series(
    terms: Sequence[Harmonic], phases: Sequence[float], bias: float, frequencies: int
) -> NDArray[np.float64]:
    """Return the amplitudes of whole frequencies 0, 1, ... that terms of an expansion make.

    `phases` are those of the first layer, one for each frequency, `bias` the neuron's own; the
    terms' frequencies are whole.
    """
    found = np.zeros(frequencies, dtype=np.complex128)
    for term in terms:
        phase = math.fsum(k * p for k, p in zip(term.k, phases, strict=True)) + bias
        number = round(term.frequency)
        if abs(number) < frequencies:
            # α sin(n t + q) as the coefficient of exp(i |n| t), of which the real part is taken.
            wave = term.amplitude * complex(math.sin(phase), -math.cos(phase))
            found[abs(number)] += wave if number >= 0 else wave.conjugate()
    found[0] = found[0].real
    amplitudes: NDArray[np.float64] = np.abs(found)
    return amplitudes


def line_amplitudes(values: NDArray[np.floating], frequencies: int) -> NDArray[np.float64]:
    """Return the amplitudes of whole frequencies 0, 1, ... of values over exactly one period.

    `values` are (..., samples), evenly spaced, more than twice as many as `frequencies`; the result
    is (..., frequencies).
    """
    samples = values.shape[-1]
    spectrum = np.abs(np.fft.rfft(values.astype(np.float64), axis=-1))[..., :frequencies] / samples
    spectrum[..., 1:] *= 2.0
    found: NDArray[np.float64] = spectrum
    return found


def _vectors(count: int, order: int) -> Iterator[tuple[int, ...]]:
    """Yield integer vectors by their order, the sum of magnitudes."""
    for total in range(order + 1):
        yield from _of_order(count, total)


def _of_order(count: int, total: int) -> Iterator[tuple[int, ...]]:
    if count == 0:
        if total == 0:
            yield ()
        return
    for part in range(-total, total + 1):
        for rest in _of_order(count - 1, total - abs(part)):
            yield (part, *rest)
