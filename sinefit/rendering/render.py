"""Evaluation of a network on a planned grid, piece by piece."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from sinefit.engines.evaluation import choose_evaluator
from sinefit.signals.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from sinefit.networks.network import Network
    from sinefit.rendering.plan import RenderPlan

BLOCK: Final = 2**18
"""Samples per block that is handed to a writer, as far as whole slabs of the first axis allow."""


def render_blocks(network: Network, plan: RenderPlan) -> Iterator[NDArray[np.generic]]:
    """Yield the samples of a render in consecutive blocks along the first axis.

    Each block has shape (count, *plan.spec.shape[1:], channels) and the spec's dtype. Memory is
    that of one block, however large the grid.
    """
    return _render(network, plan, plan.spec.store, np.dtype(plan.spec.dtype))


def render_values(network: Network, plan: RenderPlan) -> Iterator[NDArray[np.float32]]:
    """Yield the network's outputs on a planned grid, block by block like `render_blocks`.

    The values are float32, in about [-1, 1], neither rounded nor mapped to the signal's range.
    """
    return _render(network, plan, lambda outputs: outputs, np.dtype(np.float32))


def _render(
    network: Network,
    plan: RenderPlan,
    convert: Callable[[NDArray[np.float32]], NDArray[Any]],
    dtype: np.dtype[Any],
) -> Iterator[NDArray[Any]]:
    """Yield blocks of converted outputs; conversion goes by pieces, with no block-sized copies."""
    evaluator = choose_evaluator(network, plan.spec.bit_depth)
    grid = Grid(plan.axes, plan.spec.domain, evaluator.device)
    rows, *slab = plan.spec.shape
    slab_samples = math.prod(slab)
    rows_per_block = max(1, BLOCK // slab_samples)
    for first in range(0, rows, rows_per_block):
        count = min(rows_per_block, rows - first)
        begin, end = first * slab_samples, (first + count) * slab_samples
        block = np.empty((end - begin, plan.spec.channels), dtype)
        for piece in range(begin, end, evaluator.piece):
            stop = min(piece + evaluator.piece, end)
            indices = torch.arange(piece, stop, device=evaluator.device)
            outputs = evaluator(grid.coordinates(indices)[None])[0]  # (piece, channels)
            block[piece - begin : stop - begin] = convert(outputs.cpu().numpy())
        yield block.reshape(count, *slab, plan.spec.channels)
