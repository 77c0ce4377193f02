"""A large render by sinefit and by the plain forward pass, in turn, without writing a file."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import torch

from sinefit.benchmark.clock import median_ratio
from sinefit.rendering.plan import RenderRequest, plan_render
from sinefit.rendering.render import render_pieces
from sinefit.signals.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from sinefit.benchmark.clock import Clock
    from sinefit.fields.field import Field
    from sinefit.networks.network import Network
    from sinefit.rendering.plan import RenderPlan

EAGER_PIECE: Final = 2**16
"""Samples per piece of the plain forward pass, which holds a few tensors of them by the width."""
ROUNDS: Final = 4
"""Turns that each of both gets."""


@dataclass(frozen=True)
class Rendering:
    """Samples rendered per second, from coordinates to the picture's own sample type."""

    height: int
    width: int
    eager: float
    """Of the plain forward pass in float32, median over its turns."""
    sinefit: float
    ratio: float
    """Median over the turns of sinefit's pace divided by the plain one's."""
    sinefit_seconds: float
    """For the whole picture; estimated from the pace unless `complete`."""
    eager_seconds: float
    """For the whole picture, always estimated from the pace."""
    complete: bool
    """Whether sinefit rendered the whole picture within its limit."""


def measure_rendering(
    field: Field, height: int, width: int, clock: Clock, *, eager_limit: float, limit: float
) -> Rendering:
    """Render a picture's field at a size, both in turn, for these seconds at most in all turns.

    A field whose network is on a device is rendered there.
    """
    plan = plan_render(field.spec, RenderRequest(size=(width, height)))
    eager = eager_blocks(field.network, plan)
    own = render_pieces(field, plan)
    return compare_paces(eager, own, height, width, clock, eager_limit=eager_limit, limit=limit)


def compare_paces(
    eager: Iterator[NDArray[Any]],
    own: Iterator[NDArray[Any]],
    height: int,
    width: int,
    clock: Clock,
    *,
    eager_limit: float,
    limit: float,
) -> Rendering:
    """Draw the pieces of a picture by the plain pass and by sinefit, in turn, and time them."""
    eager_paces, own_paces = [], []
    own_done, own_seconds = 0, 0.0
    for _ in range(ROUNDS):
        done, seconds = _take(eager, clock, eager_limit / ROUNDS)
        if done:
            eager_paces.append(done / seconds)
        done, seconds = _take(own, clock, limit / ROUNDS)
        if done:
            own_paces.append(done / seconds)
            own_done += done
            own_seconds += seconds
    samples = height * width
    complete = own_done == samples
    turns = min(len(eager_paces), len(own_paces))
    return Rendering(
        height,
        width,
        median(eager_paces),
        median(own_paces),
        median_ratio(own_paces[:turns], eager_paces[:turns]),
        own_seconds if complete else samples / median(own_paces),
        samples / median(eager_paces),
        complete,
    )


def eager_blocks(
    network: Network, plan: RenderPlan, piece: int = EAGER_PIECE
) -> Iterator[NDArray[np.generic]]:
    """Yield a render's samples (count, channels) by PyTorch's own operations, piece by piece."""
    device = network.device
    grid = Grid(plan.axes, plan.spec.domain, device)
    for begin in range(0, grid.sample_count, piece):
        end = min(begin + piece, grid.sample_count)
        with torch.no_grad():
            indices = torch.arange(begin, end, device=device)
            outputs = network(grid.coordinates(indices)[None])[0]
        yield plan.spec.store(outputs.cpu().numpy())


def _take(blocks: Iterator[NDArray[Any]], clock: Clock, seconds: float) -> tuple[int, float]:
    """Draw blocks until they end or time is over; return the samples in them and the time."""
    done, spent = 0, 0.0
    begin = clock()
    for block in blocks:
        done += block.size // block.shape[-1]
        spent = clock() - begin
        if spent >= seconds:
            break
    return done, spent
