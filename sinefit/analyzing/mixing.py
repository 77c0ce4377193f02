"""What a second sine layer makes of the whole frequencies of the first, measured and by theory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from sinefit.analyzing.results import FrequencyResult, LineResult, MixingResult
from sinefit.theory.harmonics import harmonics, line_amplitudes, line_bounds, line_series
from sinefit.theory.passes import forward, layers_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinefit.networks.network import Network

INPUTS: Final = 3
"""Frequencies of the small neuron."""
ORDER: Final = 12
"""Of its series; what is left out is far below a float's rounding for weights below 2."""
TOLD: Final = 24
"""Lines of the small neuron that are told, the loudest ones."""


def measure_mixing(network: Network, period: float, axis: int = 0) -> MixingResult | None:
    """Measure a network whose first layer has whole frequencies of a period along an axis.

    The other coordinates are 0. None for a network with a single sine layer, or whose frequencies
    along the axis are fewer than the small neuron takes.
    """
    if network.size.depth < 2:
        return None
    first, second = layers_of(network, torch.float64)[:2]
    numbers = torch.round(first.weight[:, axis] * period / (2.0 * math.pi)).long().numpy()
    chosen = _loudest(numbers, second.weight[0].abs().numpy())
    if len(chosen) < INPUTS:
        return None
    weights = second.weight[0].numpy()[chosen]
    return MixingResult(
        axis=axis,
        period=period,
        numbers=tuple(int(numbers[each]) for each in chosen),
        weights=tuple(weights.tolist()),
        lines=_lines(
            numbers[chosen], weights, first.bias.numpy()[chosen], float(second.bias[0]), period
        ),
        frequencies=_frequencies(network, numbers, period, axis),
    )


def _loudest(numbers: NDArray[np.int64], weights: NDArray[np.float64]) -> list[int]:
    """Return the places of the largest weights with different frequencies, none of them 0."""
    chosen: dict[int, int] = {}
    for place in np.argsort(-weights):
        number = abs(int(numbers[place]))
        if number and number not in chosen:
            chosen[number] = int(place)
        if len(chosen) == INPUTS:
            break
    return list(chosen.values())


def _lines(
    numbers: NDArray[np.int64],
    weights: NDArray[np.float64],
    phases: NDArray[np.float64],
    bias: float,
    period: float,
) -> tuple[LineResult, ...]:
    whole = [int(number) for number in numbers]
    count = ORDER * max(map(abs, whole)) + 1
    points = 1 << math.ceil(math.log2(4 * count))
    turn = 2.0 * np.pi * np.arange(points) / points
    inner = (weights[:, None] * np.sin(numbers[:, None] * turn + phases[:, None])).sum(axis=0)
    measured = line_amplitudes(np.sin(inner + bias), count)
    terms = harmonics([float(number) for number in whole], weights.tolist(), ORDER)
    series = line_series(terms, phases.tolist(), bias, count)
    bounds = line_bounds(whole, weights.tolist(), count)
    leading: dict[int, tuple[float, tuple[int, ...]]] = {}
    for term in terms:
        number = abs(round(term.frequency))
        size = abs(term.amplitude)
        if number not in leading or size > leading[number][0]:
            leading[number] = (size, term.k)
    loudest = sorted(leading, key=lambda number: -measured[number])[:TOLD]
    return tuple(
        LineResult(
            number=number,
            frequency=2.0 * math.pi * number / period,
            leading_k=leading[number][1],
            amplitude=float(measured[number]),
            amplitude_by_series=float(series[number]),
            bound=float(bounds[number]),
        )
        for number in loudest
    )


def _frequencies(
    network: Network, numbers: NDArray[np.int64], period: float, axis: int
) -> tuple[FrequencyResult, ...]:
    layers = layers_of(network)[:2]
    highest = int(np.abs(numbers).max())
    points = 1 << math.ceil(math.log2(16 * max(highest, 16)))
    line = torch.zeros((points, network.size.in_features))
    line[:, axis] = period * (torch.arange(points) / points - 0.5)
    values = torch.sin(forward(layers, line)[1]).T.numpy()  # (neurons, points)
    measured = line_amplitudes(values, highest + 1).max(axis=0)
    largest = layers[1].weight.abs().amax(dim=0).numpy()  # (neurons of the first layer,)
    found = []
    for number in np.unique(np.abs(numbers)):
        if number:
            bound = float(largest[np.abs(numbers) == number].max()) / 2.0
            found.append(FrequencyResult(int(number), bound, float(measured[number])))
    return tuple(found)
