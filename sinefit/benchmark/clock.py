"""Reading the clock when a device has done what it was told to, and work in turn by that clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Final

from sinefit.engines.graphics import WAITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

Clock = Callable[[], float]
"""Returns seconds since some beginning."""

BURST: Final = 0.002
"""Seconds between two readings of the clock where a rate is measured at its best."""


def device_clock(
    device: torch.device, waits: Mapping[str, Callable[[torch.device], None]] = WAITS
) -> Clock:
    """Return a clock that waits for a device before it is read, so that queued work counts."""

    def read() -> float:
        if device.type in waits:
            waits[device.type](device)
        return time.perf_counter()

    return read


def calls_per_second(work: Callable[[], object], clock: Clock, seconds: float) -> float:
    """Return how often a piece of work is done per second at best, found in about `seconds`.

    The work is timed in bursts of `BURST` seconds, or of one call where that takes longer, and the
    best burst counts: most are over before a busy system gives the core to another process.
    """
    work()
    count, best = 1, 0.0
    end = clock() + seconds
    while True:
        begin = clock()
        for _ in range(count):
            work()
        now = clock()
        spent = now - begin
        if spent < BURST / 2:
            # Never more than tenfold at once: first calls are often slower than later ones.
            count = max(count + 1, int(count * min(10.0, BURST / max(spent, 1e-9))))
            continue
        best = max(best, count / spent)
        if now >= end:
            return best


def paces_in_turn(
    works: Sequence[Callable[[], int]], clock: Clock, seconds: float, rounds: int
) -> list[list[float]]:
    """Let pieces of work take turns; return what each did per second in every round.

    Each work returns how much it has done. In each of its turns it is called until `seconds` are
    over, at least once. Turns make both meet the same disturbances of a shared machine.
    """
    paces: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, found in zip(works, paces, strict=True):
            begin = clock()
            done, spent = 0, 0.0
            while not done or spent < seconds:
                done += work()
                spent = clock() - begin
            found.append(done / spent)
    return paces


def median_ratio(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the median over rounds of `first` divided by `second`."""
    return median(a / b for a, b in zip(first, second, strict=True))
