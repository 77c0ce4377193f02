"""Which samples of a signal a fit holds out: never trained on, kept to score the field.

A sample is held out or fitted by its place alone, so that fits with other seeds, networks and
blocks hold out the same, and nothing has to be kept of the choice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.validation import number, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class RandomHoldout:
    """A share of all samples, spread at random; "5%".

    A sample is held out if a hash of its number is below the share: SplitMix64's mix (Steele, Lea &
    Flood, 2014, Fast splittable pseudorandom number generators).
    """

    share: float
    """Of the samples, between 0 and 1."""

    @property
    def step(self) -> int:
        """Period of the choice along every axis: 1, it has none."""
        return 1

    def __str__(self) -> str:
        return f"{100.0 * self.share:.12g}%"

    def held_share(self, axes: int) -> float:  # noqa: ARG002 (part of the protocol)
        """Return the share of the samples that is held out."""
        return self.share

    def candidates(self, shape: Sequence[int]) -> tuple[range, ...]:
        """Return the numbers along each axis between which fitted samples lie: all of them."""
        return tuple(range(size) for size in shape)

    def held(self, shape: Sequence[int], axes: Sequence[range]) -> NDArray[np.bool_]:
        """Tell which samples of a grid of `shape` are held out, at the product of some numbers.

        Numbers beyond an axis count from its other end, as on one that wraps around.
        """
        import numpy as np  # a command that only parses a choice need not wait for it

        numbers = np.zeros((), np.uint64)
        for size, along in zip(shape, axes, strict=True):
            places = (np.asarray(along, dtype=np.int64) % size).astype(np.uint64)
            numbers = numbers[..., None] * np.uint64(size) + places
        return _mixed(numbers) < np.uint64(min(self.share * 2.0**64, 2.0**64 - 2**11))


@dataclass(frozen=True)
class GridHoldout:
    """All but every so manieth sample along each axis; "grid:2".

    What is fitted is the signal on a coarser grid, as far from one end of each axis as from the
    other; what is held out lies between its samples.
    """

    step: int
    """Distance of the fitted samples along each axis, from 2."""

    def __str__(self) -> str:
        return f"grid:{self.step}"

    def held_share(self, axes: int) -> float:
        """Return about the share of the samples of a signal of so many axes that is held out."""
        return 1.0 - float(self.step) ** -axes

    def candidates(self, shape: Sequence[int]) -> tuple[range, ...]:
        """Return the numbers of the coarser grid along each axis, all of which are fitted."""
        return tuple(range((size - 1) % self.step // 2, size, self.step) for size in shape)

    def held(self, shape: Sequence[int], axes: Sequence[range]) -> NDArray[np.bool_]:
        """Tell which samples are held out, see `RandomHoldout.held`."""
        import numpy as np

        fitted = np.ones((), np.bool_)
        for size, along, coarse in zip(shape, axes, self.candidates(shape), strict=True):
            places = np.asarray(along, dtype=np.int64) % size
            fitted = fitted[..., None] & (places % self.step == coarse.start)
        return ~fitted


Holdout = RandomHoldout | GridHoldout
"""A choice of samples; as text it is what `parse_holdout` takes."""


def parse_holdout(name: str, value: object) -> Holdout:
    """Read "5%", "grid:2" or a share such as 0.05.

    Raises SettingError for anything else.
    """
    wanted = "a share such as 5%, or grid:2 to fit every second sample along each axis"
    if isinstance(value, RandomHoldout | GridHoldout):
        return value
    if isinstance(value, str):
        text = value.strip().lower()
        if match := re.fullmatch(r"grid:([0-9]{1,9})", text):
            if int(match[1]) < 2:
                raise refusal(name, value, "grid:2 or coarser")
            return GridHoldout(int(match[1]))
        try:
            share = float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
        except ValueError:
            raise refusal(name, value, wanted) from None
    else:
        share = number(name, value, wanted)
    if not 0.0 < share < 1.0:
        raise refusal(name, value, "more than 0 and less than 100%")
    return RandomHoldout(share)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a hash of each number."""
    import numpy as np

    found = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return found ^ (found >> np.uint64(31))
