"""Evaluation of a field on a planned grid, piece by piece."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from sinefit.engines.evaluation import choose_evaluator
from sinefit.rendering.blending import blend
from sinefit.rendering.footprints import averaged
from sinefit.rendering.showing import shown_pieces
from sinefit.signals.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from sinefit.engines.evaluation import Evaluator
    from sinefit.rendering.blended import Blended
    from sinefit.rendering.plan import RenderPlan
    from sinefit.signals.grid import GridAxis
    from sinefit.signals.signal import SignalSpec

    Convert = Callable[[NDArray[np.float32]], NDArray[Any]]

PIECE_SAMPLES: Final = 2**18
"""Samples per piece of one network's render, as far as whole slabs of the first axis allow."""
AVERAGED_SAMPLES: Final = 2**21
"""The same of means over several blocks, which take the longer to find the fewer their samples."""


def render_pieces(field: Blended, plan: RenderPlan) -> Iterator[NDArray[np.generic]]:
    """Yield the samples of a render in consecutive pieces along the first axis.

    Each piece has shape (count, *plan.spec.shape[1:], channels) and the spec's dtype. Memory is
    that of one piece, however large the grid. Raises SettingError where the grid touches a block
    that the field was read without.
    """
    if plan.values is not None:
        return shown_pieces(field, plan.axes, plan.values, plan.what, plan.spec)
    return _render(field, plan, plan.spec.store, np.dtype(plan.spec.dtype))


def render_values(
    field: Blended, plan: RenderPlan, samples: int = PIECE_SAMPLES
) -> Iterator[NDArray[np.float32]]:
    """Yield the field's values on a planned grid, piece by piece like `render_pieces`.

    The values are float32, in about [-1, 1], neither rounded nor mapped to the signal's range. A
    piece of one network's render has about as many `samples`.
    """
    return _render(field, plan, lambda values: values, np.dtype(np.float32), samples)


def _render(
    field: Blended,
    plan: RenderPlan,
    convert: Convert,
    dtype: np.dtype[Any],
    samples: int = PIECE_SAMPLES,
) -> Iterator[NDArray[Any]]:
    """Yield pieces of converted values; conversion goes by parts, without copies of a piece."""
    several = field.blocks.count > 1
    evaluator = choose_evaluator(field.network, plan.spec.bit_depth, by_member=several)
    if not plan.is_pointwise:
        values_at = partial(_values, field, evaluator, plan.spec)
        most = AVERAGED_SAMPLES if several else samples
        for values in averaged(values_at, plan.axes, plan.footprints, most):
            yield _converted(values, convert, dtype)
    elif several:
        for values in blend(evaluator, field.blocks, field.numbers, plan.axes, plan.spec.channels):
            yield _converted(values, convert, dtype)
            del values  # before there is another slab
    else:
        yield from _render_one(evaluator, plan.axes, plan.spec, convert, dtype, samples)


def _values(
    field: Blended, evaluator: Evaluator, spec: SignalSpec, axes: tuple[GridAxis, ...]
) -> NDArray[np.float32]:
    """Return the values on a whole grid of a field of signals like `spec`."""
    if field.blocks.count > 1:
        pieces = blend(evaluator, field.blocks, field.numbers, axes, spec.channels)
    else:
        kept = np.dtype(np.float32)
        pieces = _render_one(evaluator, axes, spec, lambda values: values, kept, PIECE_SAMPLES)
    return np.concatenate(list(pieces))


def _converted(values: NDArray[np.float32], convert: Convert, dtype: np.dtype[Any]) -> NDArray[Any]:
    flat = values.reshape(-1, values.shape[-1])
    piece = np.empty(flat.shape, dtype)
    for begin in range(0, len(flat), PIECE_SAMPLES):
        part = slice(begin, begin + PIECE_SAMPLES)
        piece[part] = convert(flat[part])
    return piece.reshape(values.shape)


def _render_one(
    evaluator: Evaluator,
    axes: tuple[GridAxis, ...],
    spec: SignalSpec,
    convert: Convert,
    dtype: np.dtype[Any],
    samples: int,
) -> Iterator[NDArray[Any]]:
    grid = Grid(axes, spec.domain, evaluator.device)
    rows, *slab = (axis.count for axis in axes)
    slab_samples = math.prod(slab)
    rows_per_piece = max(1, samples // slab_samples)
    for first in range(0, rows, rows_per_piece):
        count = min(rows_per_piece, rows - first)
        begin, end = first * slab_samples, (first + count) * slab_samples
        piece = np.empty((end - begin, spec.channels), dtype)
        for part in range(begin, end, evaluator.piece):
            stop = min(part + evaluator.piece, end)
            indices = torch.arange(part, stop, device=evaluator.device)
            outputs = evaluator(grid.coordinates(indices)[None])[0]  # (part, channels)
            piece[part - begin : stop - begin] = convert(outputs.cpu().numpy())
        yield piece.reshape(count, *slab, spec.channels)
