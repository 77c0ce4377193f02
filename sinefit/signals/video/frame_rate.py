"""The frame rate of a video, recovered as an exact fraction from rounded time stamps."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from statistics import median

STANDARD_RATES = tuple(
    Fraction(number * 1000, divisor)
    for divisor in (1000, 1001)
    for number in (24, 25, 30, 48, 50, 60, 90, 100, 120, 144, 240)
)
"""Frame rates of film and television."""

FINE_TIME_BASE = Fraction(1, 5000)
"""Equal steps in units at least this fine, in seconds, are taken to be exact."""

COARSE_TIME_BASE = Fraction(1, 100)
"""Units, in seconds, in which a claimed rate is but guessed from the rounded times, as in GIF."""


def simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """Return the fraction with the smallest denominator in [low, high], 0 < low <= high.

    Continued fractions: the whole part if a whole number lies between, else its inverse problem.
    """
    whole = floor(low)
    if whole == low:
        return low
    if whole + 1 <= high:
        return Fraction(whole + 1)
    return whole + 1 / simplest_between(1 / (high - whole), 1 / (low - whole))


def find_rate(
    times: list[int], time_base: Fraction, hints: list[float], last_duration: int
) -> Fraction | None:
    """Return the constant frame rate of frames at these times, None when there is none.

    `times` are ascending, in units of `time_base` seconds, and may each be rounded by less than one
    unit. `hints` are rates that the file claims, rounded to two decimals; a standard rate near one
    of them wins over simpler fractions. A single frame has the rate of its `last_duration`, in
    units.
    """
    if len(times) == 1:
        times = [0, max(1, last_duration)]
    steps = {later - earlier for earlier, later in pairwise(times)}
    if min(steps) <= 0 or max(steps) - min(steps) > 1:
        return None
    count = len(times) - 1
    span = times[-1] - times[0]
    middle = Fraction(span, count)
    if any(abs(time - times[0] - middle * k) > 2 for k, time in enumerate(times)):
        return None
    if len(steps) == 1 and time_base <= FINE_TIME_BASE:
        return 1 / (middle * time_base)
    shortest = max(Fraction(span - 1, count), Fraction(1, 2))
    low = 1 / (Fraction(span + 1, count) * time_base)
    high = 1 / (shortest * time_base)
    for hint in hints:
        near = [rate for rate in STANDARD_RATES if abs(float(rate) - hint) < 0.006]
        near = [rate for rate in near if low <= rate <= high]
        if near:
            return min(near, key=lambda rate: abs(float(rate) - hint))
    if time_base >= COARSE_TIME_BASE:
        whole = [rate for rate in STANDARD_RATES if rate.denominator == 1 and low <= rate <= high]
        if whole and len(steps) > 1:
            return min(whole, key=lambda rate: abs(rate - 1 / (middle * time_base)))
        hints = []
    for hint in hints:
        # The hint is rounded too: the simplest fraction that it and the times can stand for.
        least = max(low, Fraction(hint) - Fraction(1, 200))
        most = min(high, Fraction(hint) + Fraction(1, 200))
        if 0 < least <= most:
            return simplest_between(least, most)
    return 1 / (middle * time_base) if len(steps) == 1 else simplest_between(low, high)


def typical_rate(times: list[int], time_base: Fraction, hints: list[float]) -> Fraction:
    """Return a constant rate for frames at irregular times: that of the usual step between them."""
    steps = [later - earlier for earlier, later in pairwise(times)]
    positive = [step for step in steps if step > 0]
    if not positive:
        return Fraction(25)
    step = round(median(positive))
    return find_rate([0, step], time_base, hints, step) or 1 / (step * time_base)


def frame_count(times: list[int], time_base: Fraction, rate: Fraction) -> int:
    """Return how many frames at the constant `rate` cover the times, to one step after the last."""
    step = 1 / (rate * time_base)
    return max(1, round((times[-1] - times[0]) / step) + 1)


def nearest_frames(times: list[int], time_base: Fraction, rate: Fraction) -> list[int]:
    """Return, for each frame at the constant `rate`, the index of the frame shown at its middle.

    The result covers the time from the first frame to one step after the last.
    """
    step = 1 / (rate * time_base)
    count = frame_count(times, time_base, rate)
    # The middle of frame k, (k + 1/2) steps from the start, reaches a time from this k on.
    starts = [ceil((time - times[0]) / step - Fraction(1, 2)) for time in times]
    ends = [*starts[1:], count]
    shown: list[int] = []
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        shown += [index] * (min(end, count) - min(start, count))
    return shown
