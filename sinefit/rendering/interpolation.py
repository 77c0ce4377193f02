"""What is between the samples of a band-limited sound: their interpolation by sincs.

A sound of some rate has nothing above half of it, and is then its samples' sum of sincs (Shannon,
1949). A field may have waves up there that no sample shows; of one whose footprint is band-limited
only the values at the samples of the fitted signal count, and a window bounds their sincs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.rendering.rows import part_of, rows_within, runs
from sinefit.signals.grid import GridAxis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

REACH: Final = 32
"""Samples on each side that a value between them goes over."""
ATTENUATION: Final = 8.0
"""Shape of the Kaiser window around the sinc: about 80 dB below outside the band and its edge, a
twelfth of it."""
TOGETHER: Final = 4096
"""Values that are summed at a time: what they go over is copied, some megabytes."""


def interpolated(
    values_at: Callable[[tuple[GridAxis, ...]], NDArray[np.float32]],
    axis: GridAxis,
    samples: int,
    within: range | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Yield a sound (count, channels) between a field's samples, piece by piece of about `samples`.

    `values_at` returns the field's values on a grid. Of the whole axis, or of the rows `within` it
    alone, which begin and end where pieces do. Beyond its ends the sound is mirrored.
    """
    for run in runs(axis, interpolated_rows(samples), within):
        part = part_of(axis, run)
        taken = reach_of_samples(part)
        values = values_at((taken,))
        numbers = np.arange(part.count, dtype=np.float64)
        places = part.start + (numbers + 0.5) * part.step - 0.5
        yield _between(values, places - taken.start, at_ends=_at_ends(taken))


def interpolated_rows(samples: int) -> int:
    """Return the rows of a piece."""
    return rows_within(samples, 1)


def reach_of_samples(axis: GridAxis) -> GridAxis:
    """Return the samples of the fitted signal that values on an axis go over."""
    first, last = axis.start + 0.5 * axis.step, axis.start + (axis.count - 0.5) * axis.step
    begin = max(0, math.floor(first - 0.5) - REACH + 1)
    end = min(axis.size, math.floor(last - 0.5) + REACH + 1)
    return GridAxis(axis.size, float(begin), 1.0, end - begin)


def _at_ends(taken: GridAxis) -> tuple[bool, bool]:
    return taken.start == 0.0, taken.start + taken.count == taken.size


def _between(
    values: NDArray[np.float32], places: NDArray[np.float64], at_ends: tuple[bool, bool]
) -> NDArray[np.float32]:
    """Return a sound at places that count in its samples, the first one's centre is 0."""
    before, behind = (REACH if end else 0 for end in at_ends)
    padded = np.pad(values, ((before, behind), (0, 0)), mode="symmetric")
    first = np.floor(places).astype(np.int64)
    fractions = np.round((places - first) * 2**32) / 2**32  # of rates that have a common multiple
    rows = np.lib.stride_tricks.sliding_window_view(padded, 2 * REACH, axis=0)
    first += before - REACH + 1
    found = np.empty((len(places), values.shape[1]), np.float32)
    for begin in range(0, len(places), TOGETHER):
        part = slice(begin, begin + TOGETHER)
        phases, which = np.unique(fractions[part], return_inverse=True)  # often few
        found[part] = np.einsum("nct,nt->nc", rows[first[part]], _weights(phases)[which])
    return found


def _weights(fractions: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the shares, which sum to one, of the samples around places, (count, 2 REACH).

    The places are so far behind a sample, from 0 to 1.
    """
    offsets = np.arange(1 - REACH, REACH + 1) - fractions[:, None]
    window = np.i0(ATTENUATION * np.sqrt(np.clip(1.0 - (offsets / REACH) ** 2, 0.0, None)))
    weights = np.sinc(offsets) * window
    found: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return found
