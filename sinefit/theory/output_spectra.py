"""The spectra of what a network's layers make of the coordinates, along lines of the domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit.theory.passes import forward, layers_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.networks.network import Network

OVERSAMPLING: Final = 8
"""Points per sample of the signal: frequencies up to eight times Nyquist are told apart."""
MOST_POINTS: Final = 4096
"""Points of all lines along an axis; lines are stretches of the domain where it has more."""
LINES: Final = 4
"""Along an axis of several, at places spread over the others."""
MOST_NEURONS: Final = 128
"""Of a layer whose spectra are averaged, evenly chosen."""
BINS: Final = 512
"""At most, equal ones, from 0 to eight times Nyquist."""


@dataclass(frozen=True)
class LayerSpectrum:
    """The mean spectrum of a layer's pre-activations, each without its own mean.

    The neurons of a sine layer that is drawn like the last one are as many draws of the output of
    a network of so many sine layers.
    """

    layer: int
    """Number of the layer from 0; the linear one is last."""
    axis: int
    """The coordinate that changes along the lines."""
    frequencies: tuple[float, ...]
    """Middles of the bins, in radians per unit of the coordinate."""
    power: tuple[float, ...]
    """Variance in each bin; all of them make the variance of windowed lines."""
    beyond_first: float
    """Share of the variance above the first layer's highest frequency along the axis."""
    beyond_nyquist: float
    """Share of the variance above the Nyquist frequency of the sampling."""


def layer_spectra(network: Network, axis: int, nyquist: float) -> tuple[LayerSpectrum, ...]:
    """Measure every layer of a stack of one along an axis; `nyquist` is in radians per unit.

    Without aliasing only what lies below eight times Nyquist is seen.
    """
    layers = layers_of(network)
    edge = highest_frequency(network, axis)
    lines = 1 if network.size.in_features == 1 else LINES
    # Even, for the pairs of frequencies; n samples over a length of 2 have a Nyquist of pi n/2.
    wanted = max(16, round(2.0 * nyquist / np.pi * OVERSAMPLING))
    points = min(wanted, MOST_POINTS // lines) // 2 * 2
    length = 2.0 * points / wanted
    coordinates = _lines(network.size.in_features, axis, lines, points, length)
    found = []
    for number, z in enumerate(forward(layers, coordinates)):
        step = -(-z.shape[1] // MOST_NEURONS)
        chosen = z[:, ::step].T.reshape(-1, lines, points)  # (neurons, lines, points)
        power = windowed_power(chosen.numpy()).mean(axis=(0, 1))
        frequencies = 2.0 * np.pi * np.arange(len(power)) / length
        total = float(power.sum()) or 1.0
        # Bins of whole numbers of the transform's frequencies, so that none is without one.
        together = -(-len(power) // BINS)
        bins = np.arange(len(power)) // together
        middles = frequencies[::together] + (together - 1) / 2.0 * frequencies[1]
        found.append(
            LayerSpectrum(
                layer=number,
                axis=axis,
                frequencies=tuple(middles.tolist()),
                power=tuple(np.bincount(bins, power).tolist()),
                beyond_first=float(power[frequencies > edge].sum()) / total,
                beyond_nyquist=float(power[frequencies > nyquist].sum()) / total,
            )
        )
    return tuple(found)


def highest_frequency(network: Network, axis: int) -> float:
    """Return the highest frequency of the first layer along an axis, in radians per unit.

    Of weights U(±omega/d) on many neurons it is nearly omega/d.
    """
    return float(layers_of(network)[0].weight[:, axis].abs().max())


def share_beyond(lines: NDArray[np.floating], length: float, edge: float) -> NDArray[np.float64]:
    """Return the share of the variance of lines (..., points) that lies above a frequency.

    `length` is theirs in units of the coordinate, `edge` in radians per unit.
    """
    power = windowed_power(lines)
    frequencies = 2.0 * np.pi * np.arange(power.shape[-1]) / length
    total = power.sum(axis=-1)
    beyond = power[..., frequencies > edge].sum(axis=-1)
    found: NDArray[np.float64] = np.divide(beyond, total, out=np.zeros_like(total), where=total > 0)
    return found


def windowed_power(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the variance of lines (..., points) by frequency 0, 1, ... per line (..., points/2+1).

    Each line has a Hann window, and is without its mean under that window. The values sum to the
    mean square of the windowed line over that of the window (Parseval's theorem).
    """
    points = values.shape[-1]
    window = np.hanning(points + 1)[:-1]
    wide = values.astype(np.float64)
    mean = (wide * window).sum(axis=-1, keepdims=True) / window.sum()
    spectrum = np.abs(np.fft.rfft((wide - mean) * window, axis=-1)) ** 2
    spectrum[..., 1 : (points + 1) // 2] *= 2.0  # and the frequencies below 0
    power: NDArray[np.float64] = spectrum / (points * np.square(window).sum())
    return power


def _lines(axes: int, axis: int, lines: int, points: int, length: float) -> torch.Tensor:
    """Return coordinates (lines * points, axes) along an axis, around the middle of the domain."""
    along = ((torch.arange(points, dtype=torch.float64) + 0.5) / points - 0.5) * length
    places = torch.empty((lines, axes), dtype=torch.float64)
    for other in range(axes):
        # Fractions of the golden ratio's powers are spread evenly, and differently on each axis.
        places[:, other] = (
            2.0 * torch.frac(0.5 + torch.arange(lines) * 0.618034 ** (other + 1)) - 1.0
        )
    grid = places[:, None].repeat(1, points, 1)
    grid[:, :, axis] = along
    return grid.reshape(-1, axes).float()
