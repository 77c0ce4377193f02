"""Evaluation of a field on a planned grid, piece by piece."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from sinefit.engines.evaluation import choose_evaluator
from sinefit.rendering.blending import blend
from sinefit.rendering.showing import shown_pieces
from sinefit.signals.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from sinefit.networks.network import Network
    from sinefit.rendering.blended import Blended
    from sinefit.rendering.plan import RenderPlan

    Convert = Callable[[NDArray[np.float32]], NDArray[Any]]

PIECE_SAMPLES: Final = 2**18
"""Samples per piece of one network's render, as far as whole slabs of the first axis allow."""


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
    if field.blocks.count == 1:
        yield from _render_one(field.network, plan, convert, dtype, samples)
        return
    evaluator = choose_evaluator(field.network, plan.spec.bit_depth, by_member=True)
    for values in blend(evaluator, field.blocks, field.numbers, plan):
        flat = values.reshape(-1, plan.spec.channels)
        piece = np.empty(flat.shape, dtype)
        for begin in range(0, len(flat), PIECE_SAMPLES):
            part = slice(begin, begin + PIECE_SAMPLES)
            piece[part] = convert(flat[part])
        shape = values.shape
        del flat, values  # before there is another slab
        yield piece.reshape(shape)


def _render_one(
    network: Network,
    plan: RenderPlan,
    convert: Convert,
    dtype: np.dtype[Any],
    samples: int,
) -> Iterator[NDArray[Any]]:
    evaluator = choose_evaluator(network, plan.spec.bit_depth)
    grid = Grid(plan.axes, plan.spec.domain, evaluator.device)
    rows, *slab = plan.spec.shape
    slab_samples = math.prod(slab)
    rows_per_piece = max(1, samples // slab_samples)
    for first in range(0, rows, rows_per_piece):
        count = min(rows_per_piece, rows - first)
        begin, end = first * slab_samples, (first + count) * slab_samples
        piece = np.empty((end - begin, plan.spec.channels), dtype)
        for part in range(begin, end, evaluator.piece):
            stop = min(part + evaluator.piece, end)
            indices = torch.arange(part, stop, device=evaluator.device)
            outputs = evaluator(grid.coordinates(indices)[None])[0]  # (part, channels)
            piece[part - begin : stop - begin] = convert(outputs.cpu().numpy())
        yield piece.reshape(count, *slab, plan.spec.channels)
