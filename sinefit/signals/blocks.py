"""A grid of blocks over a signal's domain: where each lies, and its share in the field.

The samples along an axis are cut into cells of nearly equal length. A block reaches beyond its cell
by a margin, into its neighbours, whose windows and its own rise and fall there as a raised cosine:
they sum to one everywhere, and their slopes are continuous. At the ends of the domain there is no
neighbour and no margin; an axis that wraps around has no ends. (KiloNeRF, Reiser et al., 2021, has
such a grid without margins; finite basis networks, Moseley et al., 2023, have the windows.)

An ensemble covers the domain several times by blocks at the same places, each with a network of its
own: the field is the mean over the coverings, which has less of what one network makes up between
its samples. (Deep ensembles: Lakshminarayanan et al., 2017.)

Positions are counted in samples as in `grid`: the first sample fills 0 to 1.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sinefit.errors import SettingError
from sinefit.signals.grid import GridAxis
from sinefit.signals.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sinefit.signals.signal import Kind, SignalSpec


@dataclass(frozen=True)
class AxisBlocks:
    """The blocks along one axis."""

    size: int
    """Samples along the axis, at least 1."""
    count: int
    """Blocks, from 1 to as many as there are samples."""
    margin: int
    """Samples by which a block reaches into each neighbour, at most half the smallest cell; 0 for
    an axis of one block."""
    wraps: bool = False
    """Whether the last block is the first one's neighbour."""

    def __post_init__(self) -> None:
        if not 1 <= self.count <= self.size:
            raise SettingError(
                f"`blocks` asks for {self.count} along an axis of {self.size} samples: it must be "
                f"from 1 to {self.size}"
            )
        most = self.size // self.count // 2 if self.count > 1 else 0
        if not 0 <= self.margin <= most:
            raise SettingError(
                f"`margin` is {self.margin}: for {self.count} blocks along {self.size} samples it "
                f"must be from 0 to {most}"
            )

    def cell(self, place: int) -> tuple[int, int]:
        """Return the first sample of a block's cell and the first behind it."""
        return place * self.size // self.count, (place + 1) * self.size // self.count

    def reach(self, place: int) -> tuple[int, int]:
        """Return the same of all samples that a block reaches.

        Along an axis that wraps around they can begin below 0 or end beyond `size`.
        """
        begin, end = self.cell(place)
        begin -= self.margin * self.has_neighbour(place, -1)
        end += self.margin * self.has_neighbour(place, 1)
        return begin, end

    def has_neighbour(self, place: int, side: int) -> bool:
        """Tell whether there is a block before (side -1) or behind (side 1) this one."""
        return self.count > 1 and (self.wraps or 0 <= place + side < self.count)

    def window(
        self, place: int, positions: NDArray[np.float64], order: int = 0
    ) -> NDArray[np.float64]:
        """Return a block's share in the field, 0 to 1, at positions within its reach.

        Of `order` 1 or 2 it is the derivative of the share, per sample or per sample squared.
        """
        import numpy as np  # a command that only tells of a field need not wait for it

        share = np.full_like(positions, 1.0 if order == 0 else 0.0)
        if self.margin == 0:  # where a block ends is not for the last bit of a position to decide
            return share
        # A cell is at least as long as two margins: where one end falls the other has risen.
        begin, end = self.cell(place)
        if self.has_neighbour(place, -1):
            rising = positions < (begin + end) / 2
            share[rising] = self._rise(positions[rising] - begin, order)
        if self.has_neighbour(place, 1):
            falling = positions >= (begin + end) / 2
            share[falling] -= self._rise(positions[falling] - end, order)
        return share

    def _rise(self, distance: NDArray[np.float64], order: int) -> NDArray[np.float64]:
        """Return what rises from 0 a margin before an edge to 1 a margin behind it."""
        import numpy as np

        pace = np.pi / (2.0 * self.margin)
        angle = np.pi * np.clip((distance / self.margin + 1.0) / 2.0, 0.0, 1.0)
        if order == 0:
            return 0.5 - 0.5 * np.cos(angle)
        if order == 1:
            return 0.5 * pace * np.sin(angle)
        inside = (angle > 0.0) & (angle < np.pi)  # at its ends the slope stays, its own does not
        return np.where(inside, 0.5 * pace**2 * np.cos(angle), 0.0)

    def touched(self, axis: GridAxis) -> Iterator[tuple[int, int, int, GridAxis]]:
        """Yield which blocks reach which of the samples of an axis of a grid on the same domain.

        Each as its place, the first sample's number, the first one's behind, and their axis in the
        block's own coordinates. A block that wraps around can come twice.
        """
        for place in range(self.count):
            begin, end = self.reach(place)
            for turn in (-self.size, 0, self.size) if self.wraps and self.count > 1 else (0,):
                start = axis.start + turn  # where the grid starts, seen from the block
                first = max(0, math.ceil((begin - start) / axis.step - 0.5))
                last = min(axis.count, math.ceil((end - start) / axis.step - 0.5))
                if first < last:
                    local = start + first * axis.step - begin
                    yield place, first, last, GridAxis(end - begin, local, axis.step, last - first)


@dataclass(frozen=True)
class BlockGrid:
    """Blocks over all axes; they are numbered in C order, last axis fastest.

    Those of an ensemble are numbered covering by covering.
    """

    axes: tuple[AxisBlocks, ...]
    ensemble: int = 1
    """How many times blocks cover the domain, from 1."""

    def __post_init__(self) -> None:
        if self.ensemble < 1:
            raise SettingError(f"`ensemble` is {self.ensemble}: it must be at least 1")

    @classmethod
    def single(cls, spec: SignalSpec) -> BlockGrid:
        """Return the grid of one block, which is the whole domain."""
        return cls.over(spec, (1,) * spec.axes, (0,) * spec.axes)

    @classmethod
    def over(
        cls, spec: SignalSpec, counts: Sequence[int], margins: Sequence[int], ensemble: int = 1
    ) -> BlockGrid:
        """Return the grid over a signal's domain of so many blocks and margins along each axis.

        Around the sphere the last block is the first one's neighbour. Raises SettingError for
        counts or margins that the axes cannot have.
        """
        for name, values in (("blocks", counts), ("margin", margins)):
            if len(values) != spec.axes:
                raise SettingError(
                    f"`{name}` has {len(values)} numbers: give {spec.axes}, one per axis"
                )
        sphere = spec.domain == "sphere"
        if sphere and ensemble > 1 and math.prod(counts) == 1:
            raise SettingError(
                f"`ensemble` is {ensemble}: one network covers the sphere; cut it into blocks by "
                "`blocks`, or leave `ensemble` out"
            )
        axes = enumerate(zip(spec.shape, counts, margins, strict=True))
        return cls(
            tuple(
                AxisBlocks(size, count, margin, wraps=sphere and place == 1 and count > 1)
                for place, (size, count, margin) in axes
            ),
            ensemble,
        )

    @property
    def margins(self) -> tuple[int, ...]:
        """Samples by which blocks reach into their neighbours along each axis."""
        return tuple(axis.margin for axis in self.axes)

    @property
    def cell(self) -> tuple[int, ...]:
        """Samples along each axis of the largest cell."""
        return tuple(-(-axis.size // axis.count) for axis in self.axes)

    @property
    def counts(self) -> tuple[int, ...]:
        """Blocks along each axis."""
        return tuple(axis.count for axis in self.axes)

    @property
    def cell_count(self) -> int:
        """Number of blocks that cover the domain once."""
        return math.prod(self.counts)

    @property
    def count(self) -> int:
        """Number of blocks, of all coverings."""
        return self.cell_count * self.ensemble

    @property
    def fewest_samples(self) -> int:
        """Samples that the smallest block reaches."""
        smallest = 1
        for axis in self.axes:
            reaches = (axis.reach(place) for place in range(axis.count))
            smallest *= min(end - begin for begin, end in reaches)
        return smallest

    def touched(self, axes: Sequence[GridAxis]) -> list[int]:
        """Return the numbers, rising, of the blocks that reach a sample of a grid on the domain."""
        places = [
            sorted({place for place, *_ in blocks.touched(axis)})
            for blocks, axis in zip(self.axes, axes, strict=True)
        ]
        return [
            self.number(each, covering)
            for covering in range(self.ensemble)
            for each in itertools.product(*places)
        ]

    def corner(self, most: int) -> BlockGrid:
        """Return a grid of at most so many blocks like these, those of one corner.

        Of an ensemble with more of them it is one covering.
        """
        counts = [1] * len(self.axes)
        for place in reversed(range(len(counts))):
            counts[place] = max(1, min(self.axes[place].count, most // math.prod(counts)))
        if self.count <= most:
            return self
        found = []
        for axis, count in zip(self.axes, counts, strict=True):
            margin = axis.margin if count > 1 else 0
            found.append(AxisBlocks(axis.cell(count - 1)[1], count, margin))
        return BlockGrid(tuple(found))

    def places(self, number: int) -> tuple[int, ...]:
        """Return a block's place along each axis."""
        number = self.in_first_covering(number)
        found = []
        for axis in reversed(self.axes):
            number, place = divmod(number, axis.count)
            found.append(place)
        return tuple(reversed(found))

    def number(self, places: tuple[int, ...], covering: int = 0) -> int:
        """Return the number of a covering's block at these places."""
        number = covering
        for axis, place in zip(self.axes, places, strict=True):
            number = number * axis.count + place
        return number

    def in_first_covering(self, number: int) -> int:
        """Return the number of the block at the same place in the first covering."""
        return number % self.cell_count

    def reaches(self, number: int) -> list[tuple[int, int]]:
        """Return a block's reach along each axis, see `AxisBlocks.reach`."""
        places = zip(self.axes, self.places(number), strict=True)
        return [axis.reach(place) for axis, place in places]

    def samples_in(self, number: int) -> int:
        """Return how many samples a block reaches."""
        return math.prod(end - begin for begin, end in self.reaches(number))

    def part(self, signal: Signal, number: int) -> Signal:
        """Return what a block reaches of a signal, as a signal of its own on a plain grid.

        Its samples are a view, but for a block that wraps around.
        """
        if self.count == 1:
            return signal
        samples = self._reached(signal.samples, number)
        known = None if signal.known is None else self._reached(signal.known, number)
        return Signal(block_spec(signal.spec, samples.shape[:-1]), samples, known=known)

    def _reached(self, values: NDArray[Any], number: int) -> NDArray[Any]:
        """Return what a block reaches of an array over the domain."""
        reaches = zip(self.axes, self.reaches(number), strict=True)
        for place, (axis, (begin, end)) in enumerate(reaches):
            if begin < 0 or end > axis.size:
                import numpy as np

                values = values.take(np.arange(begin, end) % axis.size, axis=place)
            else:
                values = values[(slice(None),) * place + (slice(begin, end),)]
        return values


def width_first(extent: tuple[int, ...], kind: Kind) -> tuple[int, ...]:
    """Return numbers per axis as users give them: of pictures width before height.

    It is the order of axes again for numbers that users gave.
    """
    if kind in ("image", "video"):
        *frames, height, width = extent
        return (*frames, width, height)
    return extent


def block_spec(spec: SignalSpec, shape: tuple[int, ...]) -> SignalSpec:
    """Return the spec of a part of so many samples: of a sphere a plain grid of its angles."""
    return replace(
        spec, shape=shape, domain="grid", icc_profile=None, soundtrack=None, source_bytes=None
    )


def crop(signal: Signal, shape: tuple[int, ...]) -> Signal:
    """Return the first samples along each axis, a view, as a signal on a plain grid."""
    corner = tuple(slice(size) for size in shape)
    known = None if signal.known is None else signal.known[corner]
    return Signal(block_spec(signal.spec, shape), signal.samples[corner], known=known)
