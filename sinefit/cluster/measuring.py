"""Measuring a field on a cluster: bands of its signal's samples are the tasks.

They carry their samples, some megabytes each, also where workers see the signal's file: to come to
a band of that they would have to decode all of it, or all before the band, each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.cluster.bands import bands_of, in_order, touched
from sinefit.cluster.failures import returns_failures
from sinefit.cluster.tasks import Run, Task
from sinefit.fitting.devices import cpu_threads, resolve_device
from sinefit.fitting.measure import Blend, MeasuringStoppedError
from sinefit.fitting.measured import PIECE
from sinefit.signals.storage import let_go

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from distributed import Client

    from sinefit.cluster.tasks import ClusterProgress
    from sinefit.cluster.worker import TaskContext
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.measured import Measured, MeasuredRows
    from sinefit.fitting.tally import PieceErrors
    from sinefit.rendering.blended import Blended


@dataclass(frozen=True)
class MeasuredBand:
    """Some rows of samples to measure, with the blocks that they touch."""

    blend: Blend
    part: MeasuredRows
    device: str
    threads: int | None


@returns_failures
def measure_band(task: MeasuredBand, context: TaskContext) -> list[PieceErrors]:
    """Return the errors at some samples."""
    with cpu_threads(context.threads if task.threads is None else task.threads):
        network = task.blend.network.to(resolve_device(task.device))
        return task.part.errors(Blend(network, task.blend.blocks, task.blend.numbers))


class ClusterErrors:
    """Finds the errors of a field at a lattice of samples by the workers of a client."""

    def __init__(
        self,
        client: Client,
        name: str,
        config: FitConfig,
        should_stop: Callable[[], bool] | None = None,
        on_progress: Callable[[ClusterProgress], None] | None = None,
    ) -> None:
        """Take what people know the signal by, and the settings of its fit."""
        self._client = client
        self._name = name
        self._config = config
        self._should_stop = should_stop
        self._on_progress = on_progress

    def __call__(self, field: Blended, measured: Measured) -> Iterator[PieceErrors]:
        """Yield those of all pieces in their order.

        Raises MeasuringStoppedError when it is asked to stop, what a band failed of, and
        ClusterError for workers that die.
        """
        plan, config = measured.plan, self._config
        bands = list(bands_of(field, plan, PIECE))

        def task(number: int) -> Task:
            network, numbers = touched(field, plan, bands[number])
            part = measured.part(plan, bands[number])
            let_go(measured.signal.samples)
            blend = Blend(network, field.blocks, numbers)
            argument = MeasuredBand(blend, part, config.device, config.threads)
            return Task(self._name, measure_band, argument, origin=number)

        with Run(
            self._client,
            len(bands),
            should_stop=self._should_stop,
            on_progress=self._on_progress,
        ) as run:
            for found in in_order(run, task, len(bands)):
                yield from found
            if run.is_stopping:
                raise MeasuringStoppedError
