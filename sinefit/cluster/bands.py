"""A render on a cluster: bands of it along its first axis are the tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sinefit.cluster.tasks import LATER, Run, Task
from sinefit.errors import SettingError, SinefitError
from sinefit.fitting.devices import cpu_threads, resolve_device
from sinefit.jobs.running import FAILURES
from sinefit.rendering.render import render_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from distributed import Client
    from numpy.typing import NDArray

    from sinefit.cluster.tasks import ClusterProgress, Later
    from sinefit.cluster.worker import TaskContext
    from sinefit.fields.field import Field
    from sinefit.rendering.plan import RenderPlan

BAND_SAMPLES: Final = 2**20
"""Samples of a band, about: a second of a core, and some megabytes to bring back."""
AHEAD: Final = 4
"""Bands per worker that may be rendered before the one that is written next."""


@dataclass(frozen=True)
class Band:
    """A part of a render, with the blocks that it touches."""

    field: Field
    plan: RenderPlan
    device: str
    threads: int | None


def render_band(task: Band, context: TaskContext) -> NDArray[Any] | Exception:
    """Return the samples of a band; what a person can do something about comes as an error."""
    try:
        with cpu_threads(context.threads if task.threads is None else task.threads):
            field = task.field.to(resolve_device(task.device))
            return np.concatenate(list(render_pieces(field, task.plan)))
    except (SinefitError, *FAILURES) as error:
        return error


def check_in_bands(plan: RenderPlan) -> None:
    """Raise SettingError for a render whose bands are not what is rendered at once."""
    what = f"`what` {plan.what}" if plan.values is not None else "a mean over cells"
    if plan.values is not None or not plan.is_pointwise:
        raise SettingError(
            f"{what} is rendered on one machine: what all of it, or its neighbours, have a part in "
            "would differ from band to band; leave `cluster` out"
        )


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

    The samples are the same up to the rounding of coordinates, which a band counts from its own
    first row: floats differ in their last bits.
    Memory is that of some bands, however large the render. Raises what `check_in_bands` does and a
    band failed of, and ClusterError for workers that die.
    """
    check_in_bands(plan)
    bands = list(_bands(plan))
    done: dict[int, NDArray[Any]] = {}
    written = 0

    with Run(client, len(bands), on_progress=on_progress) as run:

        def tasks() -> Iterator[Task | Later]:
            for number, part in enumerate(bands):
                while number >= written + max(AHEAD, AHEAD * run.workers):
                    yield LATER
                argument = Band(_touched(field, part), part, device, threads)
                yield Task("the render", render_band, argument, origin=number)

        for ended in run.results(tasks()):
            found = ended.error or ended.value
            if isinstance(found, Exception):
                raise found
            done[ended.task.origin] = found
            while written in done:
                yield done.pop(written)
                written += 1


def _bands(plan: RenderPlan) -> Iterator[RenderPlan]:
    """Yield the plans of consecutive bands."""
    axis, *others = plan.axes
    rows = max(1, BAND_SAMPLES // max(1, math.prod(each.count for each in others)))
    for begin in range(0, axis.count, rows):
        count = min(rows, axis.count - begin)
        part = replace(axis, start=axis.start + begin * axis.step, count=count)
        shape = (count, *plan.spec.shape[1:])
        spec = replace(plan.spec, shape=shape, icc_profile=None, soundtrack=None)
        yield replace(plan, axes=(part, *others), spec=spec)


def _touched(field: Field, plan: RenderPlan) -> Field:
    """Return a field with the blocks alone that a band touches."""
    spec = replace(field.spec, icc_profile=None, soundtrack=None)
    if field.blocks.count == 1:
        return replace(field, spec=spec)
    here = range(field.blocks.count) if field.numbers is None else field.numbers
    place_of = {number: place for place, number in enumerate(here)}
    numbers = field.blocks.touched(plan.reach)
    values = field.network.values[[place_of[number] for number in numbers]]
    network = type(field.network)(field.network.family, field.network.size, values)
    chosen = None if len(numbers) == field.blocks.count else tuple(numbers)
    return replace(field, network=network, spec=spec, numbers=chosen)
