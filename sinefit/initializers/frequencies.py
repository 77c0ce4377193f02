"""Distinct integer frequencies in a box, one of every pair k and -k.

A frequency is a tuple of integers, one per axis, that differs from zero. Of k and -k, which make
the same sine up to sign, the one whose first non-zero component is positive stands for both: the
half space. Counting a box in mixed radix puts the half space after the centre, zero, so that
frequencies can be counted and drawn without listing them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    import torch

Frequency = tuple[int, ...]

_MOST_TO_SHUFFLE = 1_000_000


def half_space_count(limits: tuple[int, ...]) -> int:
    """Return how many frequencies of the half space have |k_j| <= limits[j] on every axis."""
    return (math.prod(2 * limit + 1 for limit in limits) - 1) // 2


def half_space_frequency(index: int, limits: tuple[int, ...]) -> Frequency:
    """Return the frequency at `index`, from 0 to `half_space_count(limits)` - 1."""
    digits = half_space_count(limits) + 1 + index
    components = []
    for limit in reversed(limits):
        digits, digit = divmod(digits, 2 * limit + 1)
        components.append(digit - limit)
    return tuple(reversed(components))


def unit_frequencies(axes: int) -> list[Frequency]:
    """Return the frequencies of one along each axis."""
    return [tuple(int(axis == other) for other in range(axes)) for axis in range(axes)]


def draw_frequencies(
    count: int,
    limits: tuple[int, ...],
    excluded: Collection[Frequency],
    generator: torch.Generator,
) -> list[Frequency]:
    """Draw `count` distinct frequencies of the box outside `excluded`, or all where fewer exist."""
    capacity = half_space_count(limits)
    indices = _distinct(min(count + len(excluded), capacity), capacity, generator)
    drawn = (half_space_frequency(index, limits) for index in indices)
    return [frequency for frequency in drawn if frequency not in excluded][:count]


def draw_lattice(
    count: int,
    limits: tuple[int, ...],
    inner: tuple[int, ...],
    generator: torch.Generator,
) -> list[Frequency]:
    """Draw `count` frequencies of a regular lattice over a box, outside an inner box.

    The lattice has equally spaced values, rounded to integers, from -limits[j] to limits[j]; it is
    the coarsest that holds enough. Where not even the full box does, fewer are returned.
    """
    steps = 1
    while _lattice_count(steps, limits, inner) < count and steps < max(limits):
        steps += 1
    if _lattice_count(steps, limits, inner) == 0:
        return []
    points = tuple(min(steps, limit) for limit in limits)
    drawn: list[Frequency] = []
    for index in _distinct(half_space_count(points), half_space_count(points), generator):
        place = half_space_frequency(index, points)
        frequency = tuple(
            _lattice_value(value, limit, most)
            for value, limit, most in zip(place, limits, points, strict=True)
        )
        if any(abs(value) > edge for value, edge in zip(frequency, inner, strict=True)):
            drawn.append(frequency)
    return drawn[:count]


def _lattice_value(place: int, limit: int, points: int) -> int:
    """Return the lattice value number `place` of -points..points, rounded away from zero."""
    size = (2 * abs(place) * limit + points) // (2 * points)
    return size if place > 0 else -size


def _lattice_count(steps: int, limits: tuple[int, ...], inner: tuple[int, ...]) -> int:
    """Return how many lattice frequencies of the half space lie outside the inner box."""
    points = tuple(min(steps, limit) for limit in limits)
    inside = tuple(
        sum(_lattice_value(place, limit, most) <= edge for place in range(1, most + 1))
        for limit, edge, most in zip(limits, inner, points, strict=True)
    )
    return half_space_count(points) - half_space_count(inside)


def _distinct(count: int, capacity: int, generator: torch.Generator) -> list[int]:
    """Draw `count` distinct integers below `capacity`, in random order."""
    import torch

    if capacity <= max(_MOST_TO_SHUFFLE, 2 * count):
        shuffled: list[int] = torch.randperm(capacity, generator=generator)[:count].tolist()
        return shuffled
    drawn: dict[int, None] = {}
    while len(drawn) < count:
        more = torch.randint(capacity, (count - len(drawn),), generator=generator)
        drawn.update(dict.fromkeys(more.tolist()))
    return list(drawn)
