"""Many small fits at once, a thread each, on as many threads as there are cores."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from sinefit.errors import SinefitError
from sinefit.fitting.devices import cpu_threads
from sinefit.fitting.loop import fit_signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.group import Group
    from sinefit.fitting.report import Outcome
    from sinefit.signals.signal import Signal


def fit_side_by_side(
    signals: Sequence[Signal],
    config: FitConfig,
    group: Group,
    workers: int,
    *,
    start_from: Field | None = None,
    resume: Sequence[Checkpoint | None],
) -> None:
    """Run each fit as if alone on one thread, `workers` of them at a time, to the same bits.

    What takes long, products and sines, is computed outside of Python's lock, so that small fits on
    a core each end sooner than fits in a row on all cores, which wait for one another many times a
    step. An exception that is none of sinefit's stops the others.
    """
    alone = dataclasses.replace(config, threads=1)

    def run(number: int) -> None:
        if group.stopping():
            return
        outcome: Outcome
        try:
            outcome = fit_signal(
                signals[number],
                alone,
                start_from=start_from,
                resume=resume[number],
                hooks=group.hooks_for(number),
            )
        except SinefitError as error:
            outcome = error
        group.end(number, outcome)

    with cpu_threads(1), ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(run, number) for number in range(len(signals))]
        try:
            for done in as_completed(waiting):
                done.result()
        except BaseException:
            # Leaving the pool waits for the fits that run: a step each.
            group.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
