"""What a field is measured on: a lattice of its signal's samples, walked by pieces of its rows.

Who has some of the rows alone, and the blocks that they touch, comes to the same sums for each of
their pieces as who has all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sinefit.fitting.lattice import axis_of
from sinefit.fitting.tally import piece_errors
from sinefit.rendering.footprints import own_footprint
from sinefit.rendering.plan import RenderPlan
from sinefit.rendering.render import render_values
from sinefit.signals.storage import in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    import numpy as np
    from numpy.typing import NDArray

    from sinefit.fitting.choice import SampleChoice
    from sinefit.fitting.tally import PieceErrors
    from sinefit.rendering.blended import Blended
    from sinefit.signals.signal import Signal, SignalSpec

    MeasuredErrors: TypeAlias = Callable[[Blended, "Measured"], Iterator[PieceErrors]]
    """Yields the errors of a field at all samples, piece by piece, in their order."""

PIECE: Final = 2**16
"""Samples between two looks at whether to stop, or more where they are evaluated quickly."""


@dataclass(frozen=True)
class Measured:
    """A lattice of a signal's samples."""

    signal: Signal
    places: tuple[range, ...]
    """Numbers of the samples along each axis."""
    bits: int
    """Depth of samples that are not to show the error of whatever evaluates the field."""
    choice: SampleChoice

    @property
    def plan(self) -> RenderPlan:
        """The render of a field at these samples."""
        spec = self.signal.spec
        sizes = zip(spec.shape, self.places, strict=True)
        shape = tuple(len(along) for along in self.places)
        return RenderPlan(
            tuple(axis_of(size, along) for size, along in sizes),
            replace(spec, shape=shape, bit_depth=self.bits, icc_profile=None, soundtrack=None),
            footprints=(own_footprint(spec),) * spec.axes,
            widths=(1.0,) * spec.axes,  # those of the signal's samples, however far apart these are
        )

    def samples(self, rows: range) -> NDArray[np.generic]:
        """Return the samples of some rows of the lattice, in memory."""
        steps = (slice(each.start, None, each.step) for each in self.places)
        chosen = self.signal.samples[tuple(steps)]  # a view
        return in_memory(chosen[rows.start : rows.stop])

    def roles(self, rows: range) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell which samples of some rows are fitted and which held out."""
        first, *others = self.places
        return self.choice.roles((first[rows.start : rows.stop], *others))

    def part(self, plan: RenderPlan, rows: range) -> MeasuredRows:
        """Return some rows of the lattice, whose plan that is, for who has no others."""
        fitted, held = (None, None) if self.choice.is_all else self.roles(rows)
        spec = replace(self.signal.spec, icc_profile=None, soundtrack=None)
        return MeasuredRows(spec, plan, rows, self.samples(rows), fitted, held)


@dataclass(frozen=True)
class MeasuredRows:
    """Some rows of a lattice of samples, whole pieces of it."""

    spec: SignalSpec
    """Of the signal."""
    plan: RenderPlan
    """Of the whole lattice, see `Measured.plan`."""
    rows: range
    samples: NDArray[np.generic]
    fitted: NDArray[np.bool_] | None
    """Which of the samples count; None for all."""
    held: NDArray[np.bool_] | None
    """Which of them are held out."""

    def errors(self, field: Blended) -> list[PieceErrors]:
        """Return the errors of a field that has the blocks which the rows touch, by pieces."""
        found, done = [], 0
        for outputs in render_values(field, self.plan, PIECE, self.rows):
            here = slice(done, done + len(outputs))
            chosen = (None if each is None else each[here] for each in (self.fitted, self.held))
            found.append(piece_errors(self.spec, outputs, self.samples[here], *chosen))
            done += len(outputs)
        return found


def pairs(
    field: Blended, measured: Measured
) -> Iterator[
    tuple[NDArray[np.float32], NDArray[np.generic], NDArray[np.bool_], NDArray[np.bool_]]
]:
    """Yield the field's values on a lattice and the signal's samples there.

    With them comes which are fitted and which held out, all by pieces along the first axis.
    """
    done = 0
    for outputs in render_values(field, measured.plan, PIECE):
        rows = range(done, done + len(outputs))
        yield outputs, measured.samples(rows), *measured.roles(rows)
        done += len(outputs)


def errors_in_turn(field: Blended, measured: Measured) -> Iterator[PieceErrors]:
    """Yield the errors of a field at all samples of a lattice, piece by piece."""
    spec, is_all = measured.signal.spec, measured.choice.is_all
    for outputs, samples, fitted, held in pairs(field, measured):
        # No copy of what is whole.
        yield piece_errors(spec, outputs, samples, *(() if is_all else (fitted, held)))
