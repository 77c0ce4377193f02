"""Which samples of a signal a fit draws and which it is measured on, each by itself.

A sample is unknown, held out or fitted: the signal tells what is known of it, the settings what is
held out of that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sinefit.errors import SettingError
from sinefit.fitting.lattice import whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sinefit.fitting.holdout import Holdout
    from sinefit.signals.blocks import BlockGrid
    from sinefit.signals.signal import Signal

PIECE: Final = 2**20
"""Samples that are chosen from at a time."""
FEWEST_KNOWN: Final = 1 / 64
"""Share of a block's samples below which what is known of it says too little to fit a network to:
it is fitted to the guess for the others as well."""
FAR: Final = 4
"""Samples along an axis from all fitted ones beyond which an unknown one is fitted to the guess: a
network continues what it sees for about as long, and makes up waves beyond. Holes of 24 pixels in
photographs come out 1 to 2 dB better so, thinner ones the same."""


@dataclass(frozen=True)
class SampleChoice:
    """Which samples of a signal are fitted and which are held out; what is neither is unknown."""

    shape: tuple[int, ...]
    """Of the signal."""
    known: NDArray[np.bool_] | None
    """Of that shape; None for all."""
    holdout: Holdout | None

    @classmethod
    def of(cls, signal: Signal, holdout: Holdout | None = None) -> SampleChoice:
        """Return the choice of a signal's samples."""
        return cls(signal.spec.shape, signal.known, holdout)

    @property
    def is_all(self) -> bool:
        """Whether all samples are fitted."""
        return self.known is None and self.holdout is None

    @property
    def step(self) -> int:
        """Period of what is held out, along every axis."""
        return 1 if self.holdout is None else self.holdout.step

    @property
    def known_share(self) -> float:
        """Share of the samples that are known."""
        return 1.0 if self.known is None else float(self.known.mean())

    def candidates(self) -> tuple[range, ...]:
        """Return the numbers along each axis between which fitted samples lie."""
        return whole(self.shape) if self.holdout is None else self.holdout.candidates(self.shape)

    def roles(self, axes: Sequence[range]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell which samples are fitted and which held out, at the product of some numbers.

        Numbers beyond an axis count from its other end, as on one that wraps around.
        """
        import numpy as np

        sizes = [len(along) for along in axes]
        held = np.zeros(sizes, np.bool_)
        if self.holdout is not None:
            held = self.holdout.held(self.shape, axes)
        if self.known is None:
            return ~held, held
        known = self.known
        for axis, along in enumerate(axes):
            known = known.take(np.asarray(along, np.int64) % self.shape[axis], axis=axis)
        return known & ~held, known & held

    def fitted_in(self, blocks: BlockGrid, number: int) -> NDArray[np.int64] | None:
        """Return which of a block's samples it is fitted to, as rising numbers; None for all.

        They count in the block's own order, C order over all samples that it reaches. Unknown ones
        that are `FAR` from what is fitted are among them, to meet the guess, and all of them in a
        block with fewer known ones than `FEWEST_KNOWN`.
        """
        import numpy as np

        if self.is_all:
            return None
        fitted, rest = self._numbers_in(blocks, number)
        if len(rest) == 0:
            return fitted
        if len(fitted) >= FEWEST_KNOWN * blocks.samples_in(number):
            near = np.zeros([end - begin for begin, end in blocks.reaches(number)], np.bool_)
            near.reshape(-1)[fitted] = True
            rest = rest[~_grown(near, FAR).reshape(-1)[rest]]
        return np.sort(np.concatenate([fitted, rest]))

    def count_in(self, blocks: BlockGrid, number: int) -> int:
        """Return how many of a block's samples it is fitted to."""
        fitted = self.fitted_in(blocks, number)
        return blocks.samples_in(number) if fitted is None else len(fitted)

    def is_guessed(self, blocks: BlockGrid, number: int) -> bool:
        """Tell whether a block is fitted to the guess for its unknown samples."""
        if self.known is None:
            return False
        fitted, rest = self._numbers_in(blocks, number)
        return len(rest) > 0 and len(fitted) < FEWEST_KNOWN * blocks.samples_in(number)

    def _numbers_in(
        self, blocks: BlockGrid, number: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the numbers of a block's fitted samples and those of its unknown ones."""
        import numpy as np

        first, *others = (range(*reach) for reach in blocks.reaches(number))
        behind = math.prod(len(along) for along in others)
        rows = max(1, PIECE // behind)
        found: tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]] = ([], [])
        for begin in range(0, len(first), rows):
            fitted, held = self.roles((first[begin : begin + rows], *others))
            for numbers, chosen in zip(found, (fitted, ~(fitted | held)), strict=True):
                numbers.append(np.flatnonzero(chosen) + begin * behind)
        return np.concatenate(found[0]), np.concatenate(found[1])


def _grown(places: NDArray[np.bool_], distance: int) -> NDArray[np.bool_]:
    """Return where a place is at most so many samples away along every axis."""
    for axis in range(places.ndim):
        grown = places.copy()
        for shift in range(1, min(distance, places.shape[axis] - 1) + 1):
            begin = (slice(None),) * axis + (slice(None, -shift),)
            end = (slice(None),) * axis + (slice(shift, None),)
            grown[begin] |= places[end]
            grown[end] |= places[begin]
        places = grown
    return places


@lru_cache(maxsize=8)
def fewest_fitted(holdout: Holdout | None, blocks: BlockGrid) -> int:
    """Return the samples that the block is fitted to which has fewest.

    Raises SettingError where none are left of a block, and where none at all are held out.
    """
    if holdout is None:
        return blocks.fewest_samples
    choice = SampleChoice(tuple(axis.size for axis in blocks.axes), None, holdout)
    counts = [choice.count_in(blocks, number) for number in range(blocks.cell_count)]
    fewest = min(counts)
    if fewest == 0:
        where = "the signal" if blocks.count == 1 else "a block"
        raise SettingError(
            f"`holdout` is {holdout}: it leaves {where} no sample to fit; hold out fewer"
            + ("" if blocks.count == 1 else ", or take larger blocks")
        )
    if all(count == blocks.samples_in(number) for number, count in enumerate(counts)):
        raise SettingError(
            f"`holdout` is {holdout}: it holds out none of the {sum(counts)} samples; hold out more"
        )
    return fewest
