"""What runs on a worker: one task at a time, which tells how far it is and hears of a stop.

This is all of sinefit that a scheduler loads, and it loads nothing else before a task does.
"""

from __future__ import annotations

import pickle
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Worker

    TaskFunction = Callable[[Any, "TaskContext"], Any]

TOPIC: Final = "sinefit-{}"
"""Topic of the events of a run, by its name."""
LOOK_EVERY: Final = 0.05
"""Seconds between two looks of a task that waits for its turn."""

_turn: Final = threading.Lock()
"""Held by the one task that computes: each takes all threads of its process."""
_stopped: Final[set[str]] = set()
"""Names of the runs that were asked to stop."""


class NotBegun:
    """What comes back of a task that had not begun when its run was stopped."""


class AbandonedError(Exception):
    """A task whose result nobody waits for any more, as its client has gone."""


class TaskContext:
    """What a task knows of its run."""

    def __init__(self, worker: Worker, run: str, key: str, every: float) -> None:
        """Take the names of the run and of the task, and the seconds between two of its reports."""
        self._worker = worker
        self._run = run
        self._key = key
        self._every = every
        self._told = 0.0

    @property
    def threads(self) -> int:
        """Threads that the worker is meant to use."""
        return int(self._worker.state.nthreads)

    def begin(self) -> None:
        """Tell that the task has its turn."""
        self._worker.log_event(TOPIC.format(self._run), {"task": self._key, "values": None})

    def should_stop(self) -> bool:
        """Tell whether the run was asked to stop; raises AbandonedError where it has gone."""
        task = self._worker.state.tasks.get(self._key)
        if task is None or task.state == "cancelled":
            raise AbandonedError
        return self._run in _stopped

    def tell(self, values: dict[str, Any]) -> None:
        """Tell how far the task is, now and then: `share`, `samples_per_second` and others."""
        now = time.monotonic()
        if now - self._told < self._every:
            return
        self._told = now
        topic = TOPIC.format(self._run)
        self._worker.log_event(topic, {"task": self._key, "values": values})


def run_task(run: str, every: float, content: bytes) -> bytes:
    """Run the pickled function of a task with its argument; return what it returns, pickled.

    A limit to the processor comes with them: what the client may not use no worker does.

    Bytes are neither looked into nor imported for by a scheduler.
    """
    from distributed import get_worker

    from sinefit.processor.capability import limit_processor

    worker = get_worker()
    context = TaskContext(worker, run, str(worker.get_current_task()), every)
    while not _turn.acquire(timeout=LOOK_EVERY):
        if context.should_stop():
            return pickle.dumps(NotBegun())
    try:
        if context.should_stop():
            return pickle.dumps(NotBegun())
        context.begin()
        limit, function, argument = pickle.loads(content)
        limit_processor(limit)
        return pickle.dumps(function(argument, context), pickle.HIGHEST_PROTOCOL)
    finally:
        _turn.release()


def stop_run(run: str) -> None:
    """Ask the tasks of a run to stop, those that run and those that are still to come."""
    _stopped.add(run)


def dask_setup(_worker: object) -> None:
    """Leave the signals of a terminal to the command, which tells its workers what to do."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
