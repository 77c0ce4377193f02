"""A render on a cluster: bands of it along its first axis are the tasks.

A band is some whole pieces of the render, so that its samples are those of one machine to the last
bit (see `rendering.rows`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sinefit.cluster.failures import returns_failures
from sinefit.cluster.tasks import LATER, Run, Task
from sinefit.fitting.devices import cpu_threads, resolve_device
from sinefit.rendering.render import (
    PIECE_SAMPLES,
    piece_rows,
    render_pieces,
    with_largest,
)
from sinefit.rendering.rows import part_of, rows_within, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from distributed import Client
    from numpy.typing import NDArray

    from sinefit.cluster.tasks import ClusterProgress, Later
    from sinefit.cluster.worker import TaskContext
    from sinefit.fields.field import Field
    from sinefit.networks.network import Network
    from sinefit.rendering.blended import Blended
    from sinefit.rendering.plan import RenderPlan

BAND_SAMPLES: Final = 2**20
"""Samples of a band, about, at least: a second of a core, and some megabytes to bring back."""
AHEAD: Final = 4
"""Bands per worker that may be rendered before the one that is written next."""


@dataclass(frozen=True)
class Band:
    """A part of a render, with the blocks that it touches."""

    field: Field
    plan: RenderPlan
    """Of the whole render."""
    rows: range
    """Along its first axis."""
    device: str
    threads: int | None


@returns_failures
def render_band(task: Band, context: TaskContext) -> NDArray[Any]:
    """Return the samples of a band."""
    with cpu_threads(context.threads if task.threads is None else task.threads):
        field = task.field.to(resolve_device(task.device))
        return np.concatenate(list(render_pieces(field, task.plan, task.rows)))


def render_pieces_on(
    client: Client,
    field: Field,
    plan: RenderPlan,
    *,
    device: str = "auto",
    threads: int | None = None,
    on_progress: Callable[[ClusterProgress], None] | None = None,
) -> Iterator[NDArray[Any]]:
    """Yield what `render_pieces` does, rendered by the workers of a client.

    The samples are the same where the workers' processors are of one kind. Memory is that of some
    bands, however large the render. Raises what a band failed of, and ClusterError for workers that
    die.
    """
    bands = list(bands_of(field, plan))
    plan = with_largest(field, plan)
    spec = replace(plan.spec, icc_profile=None, soundtrack=None)
    sent = replace(plan, spec=spec)
    plain = replace(field, spec=replace(field.spec, icc_profile=None, soundtrack=None))

    def task(number: int) -> Task:
        network, numbers = touched(field, plan, bands[number])
        part = replace(plain, network=network, numbers=numbers)
        argument = Band(part, sent, bands[number], device, threads)
        return Task("the render", render_band, argument, origin=number)

    with Run(client, len(bands), on_progress=on_progress) as run:
        yield from in_order(run, task, len(bands))


def in_order(run: Run, task: Callable[[int], Task], count: int) -> Iterator[Any]:
    """Yield what so many tasks return, whose `origin` is their number from 0, in their order.

    Of a run that is stopped the last ones are missing. Raises what one of them failed of.
    """
    done: dict[int, Any] = {}
    taken = 0

    def tasks() -> Iterator[Task | Later]:
        for number in range(count):
            while number >= taken + max(AHEAD, AHEAD * run.workers):
                yield LATER
            yield task(number)

    for ended in run.results(tasks()):
        found = ended.value if ended.error is None else ended.error
        if isinstance(found, Exception):
            raise found
        if ended.begun:
            done[ended.task.origin] = found
        while taken in done:
            yield done.pop(taken)
            taken += 1


def bands_of(field: Blended, plan: RenderPlan, samples: int = PIECE_SAMPLES) -> Iterator[range]:
    """Yield the rows of consecutive bands, each of whole pieces, see `piece_rows`."""
    row = math.prod(axis.count for axis in plan.axes[1:])
    each = piece_rows(field, plan, samples)
    if plan.values is None and plan.is_pointwise:
        each *= rows_within(BAND_SAMPLES, each * row)
    return runs(plan.axes[0], each)  # else a piece takes many times as long as its samples would


def touched(
    field: Blended, plan: RenderPlan, rows: range
) -> tuple[Network, tuple[int, ...] | None]:
    """Return the blocks alone that some rows of a render touch: networks, and their numbers."""
    network, blocks = field.network, field.blocks
    if blocks.count == 1:
        return network, None
    first, *others = plan.axes
    # A row more at each end: what rounds there may touch a block by the last bit of a position.
    near = range(max(0, rows.start - 1), min(first.count, rows.stop + 1))
    reach = replace(plan, axes=(part_of(first, near), *others)).reach
    here = range(blocks.count) if field.numbers is None else field.numbers
    place_of = {number: place for place, number in enumerate(here)}
    numbers = tuple(number for number in blocks.touched(reach) if number in place_of)
    if len(numbers) == blocks.count:
        return network, None
    return network.chosen([place_of[number] for number in numbers]), numbers
