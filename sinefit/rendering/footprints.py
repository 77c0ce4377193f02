"""What a sample of a render is: the field's value at a point, or a mean around it.

A mean is a sum over points by weights, a product of one row of them per axis. Where samples are far
apart their rows of points make up a finer grid, which is evaluated once and summed axis by axis.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from sinefit.rendering.rows import part_of, rows_within, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    from sinefit.signals.grid import GridAxis
    from sinefit.signals.signal import Footprint, SignalSpec

    Numbers: TypeAlias = NDArray[np.float64]

FINE: Final = 2.0
"""Longest cells, in samples of the fitted signal, whose mean is taken by three points per sample;
longer ones have two, since their means are less sharp."""
EDGE: Final = 1e-9
"""Share of the domain by which a point may be beyond its end, by rounding."""
LOBES: Final = 16
"""Cells on each side that a band-limited mean goes over."""
BAND: Final = 0.9
"""Share of the new Nyquist frequency where such a mean has fallen to half: there is nothing left
above the whole of it."""
ATTENUATION: Final = 8.0
"""Shape of the Kaiser window around a band-limited mean: about 80 dB below outside the band."""
BELL: Final = 3
"""Standard deviations on each side that a bell goes over."""


@dataclass(frozen=True)
class Kernel:
    """A mean around a sample: by weights, over points at equal distances, that are then shifted."""

    weights: Numbers
    """Shares of the points in a row, around the sample's centre; they sum to one."""
    finer: int
    """How many times closer the points are than the samples."""
    shifts: Numbers
    """By how much the row of points is shifted, in distances of points."""
    shares: Numbers
    """Shares of the shifted rows; they sum to one."""

    @property
    def offsets(self) -> Numbers:
        """Where the points are without a shift, in distances of points."""
        count = len(self.weights)
        return np.arange(count, dtype=np.float64) - (count - 1) / 2


def footprints_of(
    spec: SignalSpec, axes: Sequence[GridAxis], asked: Footprint | None
) -> tuple[Footprint, ...]:
    """Return the footprint along each axis of a render: the one `asked` for, or what suits.

    On the grid of the fit it is that of the signal, so that scale 1 gives it back. Finer grids take
    points, of a band-limited sound what interpolates its samples. Coarser ones take means, of
    sounds band-limited ones, lest what they cannot carry comes back as something else; along a
    video's time they take points, which blur no motion.
    """
    if asked is not None:
        return (asked,) * len(axes)
    found: list[Footprint] = []
    for place, axis in enumerate(axes):
        if axis.step > 1.0:
            coarse: Footprint = "band-limited" if spec.kind == "audio" else "box"
            found.append("point" if spec.kind == "video" and place == 0 else coarse)
        else:
            is_own = axis.step == 1.0
            found.append(own_footprint(spec) if is_own else finer_footprint(spec))
    return tuple(found)


def own_footprint(spec: SignalSpec) -> Footprint:
    """Return what the samples of a fitted signal are of its field, on their own grid."""
    return "point" if spec.footprint == "band-limited" else spec.footprint


def finer_footprint(spec: SignalSpec) -> Footprint:
    """Return what samples between those of a fitted signal are by themselves."""
    return "band-limited" if spec.footprint == "band-limited" else "point"


def kernel_of(footprint: Footprint, step: float, width: float | None = None) -> Kernel:
    """Return the kernel of samples that are `step` samples of the fitted signal apart.

    Footprints are as wide as that, or have a smaller `width`: each point is then a shift.
    """
    alone, whole = np.zeros(1), np.ones(1)
    if footprint == "point":
        return Kernel(whole, 1, alone, whole)
    if width is not None and width < step:
        return _narrow(footprint, width / step)
    if footprint == "box":
        # The points of Gauss and Legendre on every sample of the fitted signal in a cell: exact to
        # some thousandths for all that a field has below its Nyquist frequency.
        cells = math.ceil(step)
        nodes, shares = np.polynomial.legendre.leggauss(3 if step <= FINE else 2)
        return Kernel(np.full(cells, 1 / cells), cells, nodes / 2, shares / 2)
    if footprint == "gaussian":
        finer = max(4, math.ceil(2 * step))  # half a standard deviation, half a fitted sample
        weights = np.exp(-0.5 * _row(BELL, finer / 2) ** 2)
    else:
        finer = max(1, math.ceil(step))
        cells_away = _row(LOBES, finer)
        window = np.i0(ATTENUATION * np.sqrt(1 - (cells_away / (LOBES + 1 / finer)) ** 2))
        weights = np.sinc(BAND * cells_away) * window
    return Kernel(weights / weights.sum(), finer, alone, whole)


def _narrow(footprint: Footprint, share: float) -> Kernel:
    """Return the kernel of a footprint over a share of the distance between samples."""
    if footprint == "box":
        nodes, shares = np.polynomial.legendre.leggauss(3)
        shifts, shares = nodes / 2, shares / 2
    else:
        # Gauss and Hermite; the bell's standard deviation is half the width.
        nodes, shares = np.polynomial.hermite.hermgauss(5)
        shifts, shares = nodes / math.sqrt(2.0), shares / math.sqrt(math.pi)
    return Kernel(np.ones(1), 1, share * np.asarray(shifts, np.float64), shares)


def _row(reach: float, each: float) -> Numbers:
    """Return the multiples of 1 / each from -reach to reach."""
    count = math.floor(reach * each)
    return np.arange(-count, count + 1) / each


def reach_of(axis: GridAxis, kernel: Kernel) -> GridAxis:
    """Return a grid over all that means take in on the domain, without gaps of a sample."""
    most = float(kernel.offsets[-1] + kernel.shifts.max()) * axis.step / kernel.finer
    first, last = axis.start + axis.step / 2, axis.start + (axis.count - 0.5) * axis.step
    begin, end = max(0.0, first - most), min(float(axis.size), last + most)
    count = 2 * math.ceil(end - begin) + 2
    step = (end - begin) / (count - 1)
    return replace(axis, start=begin - step / 2, step=step, count=count)


@dataclass(frozen=True)
class _Row:
    """The points along an axis that a mean takes in at one shift, as far as they are inside."""

    axis: GridAxis
    """The points."""
    missing: tuple[int, int]
    """Points before the first and behind the last that are not on the domain."""
    kernel: Kernel
    shares: Numbers
    """What the sums over points are multiplied with, (samples,): the points that a sample near an
    end lacks leave their weight to the others."""

    def pooled(self, values: NDArray[np.float32], place: int) -> NDArray[np.float32]:
        """Return the means along the axis at this place of values at the points."""
        if len(self.kernel.weights) > 1:
            padding = [(0, 0)] * values.ndim
            padding[place] = self.missing
            windows = np.lib.stride_tricks.sliding_window_view(
                np.pad(values, padding), len(self.kernel.weights), axis=place
            )
            strided = windows[(slice(None),) * place + (slice(None, None, self.kernel.finer),)]
            values = strided @ self.kernel.weights.astype(np.float32)
        shape = [1] * values.ndim
        shape[place] = -1
        pooled: NDArray[np.float32] = values * self.shares.astype(np.float32).reshape(shape)
        return pooled


def _rows(axis: GridAxis, kernel: Kernel) -> list[_Row]:
    """Return the points along an axis at every shift."""
    apart = axis.step / kernel.finer
    count = (axis.count - 1) * kernel.finer + len(kernel.weights)
    centre = axis.start + axis.step / 2 + kernel.offsets[0] * apart
    found = []
    inside = []
    for shift in kernel.shifts:
        positions = centre + (shift + np.arange(count)) * apart
        on_domain = (positions > -EDGE * axis.size) & (positions < (1 + EDGE) * axis.size)
        inside.append(on_domain)
        first, last = int(on_domain.argmax()), count - int(on_domain[::-1].argmax())
        start = float(positions[first]) - apart / 2
        points = replace(axis, start=start, step=apart, count=last - first)
        found.append(_Row(points, (first, count - last), kernel, np.ones(axis.count)))
    totals = sum(
        share * np.convolve(on_domain, kernel.weights, "valid")[:: kernel.finer]
        for share, on_domain in zip(kernel.shares, inside, strict=True)
    )
    return [
        replace(row, shares=share / totals) for row, share in zip(found, kernel.shares, strict=True)
    ]


def averaged(
    values_at: Callable[[tuple[GridAxis, ...]], NDArray[np.float32]],
    axes: tuple[GridAxis, ...],
    kernels: Sequence[Kernel],
    samples: int,
    within: range | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Yield the means of a field around a grid's samples by a kernel per axis, piece by piece.

    Of the whole grid, or of the rows `within` it alone, which begin and end where pieces do.
    `values_at` returns the field's values (*shape, channels) on a grid. A piece takes in about as
    many `samples` at a time, as far as whole rows of the first axis allow.
    """
    first_axis, *others = axes
    across = [_rows(*pair) for pair in zip(others, kernels[1:], strict=True)]
    length = averaged_rows(axes, kernels, samples)
    for run in runs(first_axis, length, within):
        along = _rows(part_of(first_axis, run), kernels[0])
        yield _sum(values_at, itertools.product(along, *across))


def averaged_rows(axes: tuple[GridAxis, ...], kernels: Sequence[Kernel], samples: int) -> int:
    """Return the rows of a piece of means that takes in about so many samples."""
    across = [_rows(*pair)[0] for pair in zip(axes[1:], kernels[1:], strict=True)]
    return rows_within(samples, math.prod(row.axis.count for row in across) * kernels[0].finer)


def _sum(
    values_at: Callable[[tuple[GridAxis, ...]], NDArray[np.float32]],
    shifted: Iterator[tuple[_Row, ...]],
) -> NDArray[np.float32]:
    """Return the sum of means over all shifts."""
    total: NDArray[np.float32] | None = None
    for rows in shifted:
        values = values_at(tuple(row.axis for row in rows))
        for place, row in enumerate(rows):
            values = row.pooled(values, place)
        total = values if total is None else total + values
    assert total is not None
    return total
