"""Evaluation of a field on a planned grid, piece by piece."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from sinefit.engines.evaluation import choose_evaluator
from sinefit.rendering.blending import blend, blended_slabs, slab_rows
from sinefit.rendering.delivery import VALUES, Conversion, copies_for, delivered
from sinefit.rendering.footprints import averaged, averaged_rows
from sinefit.rendering.interpolation import interpolated, interpolated_rows
from sinefit.rendering.quantities import quantity_rows
from sinefit.rendering.rows import rows_within, runs
from sinefit.rendering.showing import largest_shown, shown_pieces
from sinefit.signals.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from sinefit.engines.evaluation import Evaluator
    from sinefit.rendering.blended import Blended
    from sinefit.rendering.plan import RenderPlan
    from sinefit.signals.grid import GridAxis
    from sinefit.signals.signal import SignalSpec

PIECE_SAMPLES: Final = 2**18
"""Samples per piece of one network's render, as far as whole slabs of the first axis allow."""
AVERAGED_SAMPLES: Final = 2**21
"""The same of means over several blocks, which take the longer to find the fewer their samples."""


def render_pieces(
    field: Blended, plan: RenderPlan, within: range | None = None
) -> Iterator[NDArray[np.generic]]:
    """Yield the samples of a render in consecutive pieces along the first axis.

    Each piece has shape (count, *plan.spec.shape[1:], channels) and the spec's dtype. Memory is
    that of one piece, however large the grid. Of the rows `within` it alone, which begin at a
    multiple of `piece_rows` and end at one or with the last, they are the same to the last bit.
    Raises SettingError where the grid touches a block that the field was read without.
    """
    if plan.values is not None:
        return shown_pieces(
            field, plan.axes, plan.values, plan.what, plan.spec, within, plan.largest
        )
    return _render(field, plan, Conversion.storing(plan.spec), within=within)


def render_values(
    field: Blended,
    plan: RenderPlan,
    samples: int = PIECE_SAMPLES,
    within: range | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Yield the field's values on a planned grid, piece by piece like `render_pieces`.

    The values are float32, in about [-1, 1], neither rounded nor mapped to the signal's range. A
    piece of one network's render has about as many `samples`.
    """
    return _render(field, plan, VALUES, samples, within)


def piece_rows(field: Blended, plan: RenderPlan, samples: int = PIECE_SAMPLES) -> int:
    """Return the rows along the first axis that a piece of a render has, but for the last one."""
    if plan.values is not None:
        return quantity_rows(plan.axes, plan.values, plan.what)
    several = field.blocks.count > 1
    if plan.is_interpolated:
        return interpolated_rows(samples)
    if not plan.is_pointwise:
        return averaged_rows(plan.axes, plan.kernels, AVERAGED_SAMPLES if several else samples)
    if several:
        return slab_rows(plan.axes, plan.spec.channels)
    return rows_within(samples, math.prod(axis.count for axis in plan.axes[1:]))


def with_largest(field: Blended, plan: RenderPlan) -> RenderPlan:
    """Return a plan that tells what is shown as the largest, for parts of a field to agree on."""
    if plan.values is None or plan.spec.kind == "array":
        return plan
    return replace(plan, largest=largest_shown(field, plan.axes, plan.values, plan.what))


def _render(
    field: Blended,
    plan: RenderPlan,
    conversion: Conversion,
    samples: int = PIECE_SAMPLES,
    within: range | None = None,
) -> Iterator[NDArray[Any]]:
    """Yield pieces of converted values."""
    several = field.blocks.count > 1
    evaluator = choose_evaluator(field.network, plan.spec.bit_depth, by_member=several)
    if not plan.is_pointwise:
        values_at = partial(_values, field, evaluator, plan.spec)
        if plan.is_interpolated:
            means = interpolated(values_at, plan.axes[0], samples, within)
        else:
            most = AVERAGED_SAMPLES if several else samples
            means = averaged(values_at, plan.axes, plan.kernels, most, within)
        yield from delivered(map(torch.from_numpy, means), conversion, None)
    elif several:
        copies = copies_for(evaluator.device)
        channels, where = plan.spec.channels, plan.spec.coordinates
        slabs = blended_slabs(
            evaluator, field.blocks, field.numbers, plan.axes, channels, where, within=within
        )
        for array in delivered(slabs, conversion, copies):
            yield array if copies is None else array.copy()
    else:
        each = piece_rows(field, plan, samples)
        yield from _render_one(evaluator, plan.axes, plan.spec, conversion, each, within)


def _values(
    field: Blended, evaluator: Evaluator, spec: SignalSpec, axes: tuple[GridAxis, ...]
) -> NDArray[np.float32]:
    """Return the values on a whole grid of a field of signals like `spec`."""
    if field.blocks.count > 1:
        pieces = blend(
            evaluator, field.blocks, field.numbers, axes, spec.channels, spec.coordinates
        )
    else:
        each = rows_within(PIECE_SAMPLES, math.prod(axis.count for axis in axes[1:]))
        pieces = _render_one(evaluator, axes, spec, VALUES, each)
    return np.concatenate(list(pieces))


def _render_one(
    evaluator: Evaluator,
    axes: tuple[GridAxis, ...],
    spec: SignalSpec,
    conversion: Conversion,
    each: int,
    within: range | None = None,
) -> Iterator[NDArray[Any]]:
    """Yield pieces of `each` so many rows, evaluated part by part."""
    grid = Grid(axes, spec.domain, evaluator.device, where=spec.coordinates)
    slab = [axis.count for axis in axes[1:]]
    slab_samples = math.prod(slab)

    def pieces() -> Iterator[tuple[int, int]]:
        for run in runs(axes[0], each, within):
            yield run.start * slab_samples, run.stop * slab_samples

    def parts() -> Iterator[Tensor]:
        for begin, end in pieces():
            for part in range(begin, end, evaluator.piece):
                stop = min(part + evaluator.piece, end)
                indices = torch.arange(part, stop, device=evaluator.device)
                yield evaluator(grid.coordinates(indices)[None])[0]  # (part, channels)

    arrays = delivered(parts(), conversion, copies_for(evaluator.device))
    for begin, end in pieces():
        piece = np.empty((end - begin, spec.channels), conversion.dtype)
        done = 0
        while done < len(piece):
            array = next(arrays)
            piece[done : done + len(array)] = array
            done += len(array)
        yield piece.reshape(-1, *slab, spec.channels)
