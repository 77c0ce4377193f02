"""Tasks for workers, a bounded number at a time, and what comes back of each as it ends."""

from __future__ import annotations

import pickle
import queue
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sinefit.cluster.worker import TOPIC, NotBegun, run_task, stop_run
from sinefit.errors import ClusterError
from sinefit.processor.capability import processor_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from distributed import Client, Future

    from sinefit.cluster.worker import TaskFunction

AHEAD: Final = 2
"""Tasks per worker that are on their way: one that runs and one that it goes on with."""
FEWEST: Final = 4
"""Tasks that are on their way at least, so that workers which come find some."""
WAIT: Final = 0.1
"""Seconds between two looks at whether to stop and at what tasks tell: of thousands of tasks they
would take longer than it takes to send one."""
COUNT_EVERY: Final = 2.0
"""Seconds between two counts of the workers."""
REPORTS: Final = 50.0
"""Reports per second that all tasks together make at most."""
GRACE: Final = 25.0
"""Seconds that tasks have to end in once they are asked to: batch systems kill after 30."""
LOST: Final = 3
"""Times that a task is sent again which the scheduler has lost."""


@dataclass(frozen=True)
class Task:
    """What a worker is to do."""

    name: str
    """What people know it by: a file."""
    function: TaskFunction
    """Of a module that workers have, too."""
    argument: Any
    origin: Any = None
    """What the caller wants to find again; it stays here."""


class Later:
    """Stands for the next task as long as it may not be sent yet."""


LATER: Final = Later()


@dataclass(frozen=True)
class Ended:
    """What became of a task."""

    task: Task
    value: Any = None
    """What its function returned."""
    error: Exception | None = None
    """What it raised, or ClusterError for a task whose workers died."""
    begun: bool = True
    """Whether it had begun when its run was stopped."""


@dataclass(frozen=True)
class ClusterProgress:
    """How far a run is."""

    workers: int
    running: int
    """Tasks that run."""
    done: int
    """Tasks that have ended."""
    count: int
    """All tasks."""
    share: float
    """Of all tasks that is done, 0 to 1."""
    samples_per_second: float
    """Of all tasks that run."""
    seconds: float
    """Since the run began."""

    @property
    def remaining(self) -> float | None:
        """Seconds left at the present pace, None when that cannot be known."""
        return self.seconds * (1.0 - self.share) / self.share if self.share else None


@dataclass
class _Sent:
    task: Task
    future: Future[bytes]
    lost: int = 0
    begun: bool = False
    told: dict[str, Any] = field(default_factory=dict)
    is_new: bool = False
    """Whether it has told something that was not handed on."""


class Run:
    """Tasks of one command on the workers of a client."""

    def __init__(
        self,
        client: Client,
        count: int,
        *,
        should_stop: Callable[[], bool] | None = None,
        on_progress: Callable[[ClusterProgress], None] | None = None,
        on_told: Callable[[Task, dict[str, Any]], None] | None = None,
    ) -> None:
        """Prepare for `count` tasks.

        `should_stop` is asked several times a second: True stops all tasks. `on_progress` is called
        about as often, `on_told` with what a task tells; both by the thread that asks for results.
        """
        self._client = client
        self._count = count
        self._should_stop = should_stop
        self._on_progress = on_progress
        self._on_told = on_told
        self._name = uuid.uuid4().hex
        self._sent: dict[str, _Sent] = {}
        self._ended: queue.SimpleQueue[tuple[str, bytes | BaseException]] = queue.SimpleQueue()
        self._workers = 0
        self._counted = -COUNT_EVERY
        self._looked = -WAIT
        self._begin = time.monotonic()
        self._done = 0
        self._number = 0
        self._stopped_at: float | None = None

    def __enter__(self) -> Self:
        self._helpers = ThreadPoolExecutor(4, thread_name_prefix="sinefit-cluster")
        self._client.subscribe_topic(TOPIC.format(self._name), self._hear)
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.unsubscribe_topic(TOPIC.format(self._name))
        for sent in self._sent.values():
            sent.future.release()  # whoever still runs such a task sees that nobody waits for it
        self._helpers.shutdown(wait=False, cancel_futures=True)

    @property
    def is_stopping(self) -> bool:
        """Whether the tasks were asked to stop."""
        return self._stopped_at is not None

    @property
    def workers(self) -> int:
        """How many workers there are."""
        return self._workers

    @property
    def room(self) -> int:
        """How many more tasks are to be on their way."""
        return max(FEWEST, AHEAD * self._workers) - len(self._sent)

    def results(self, tasks: Iterator[Task] | Iterator[Task | Later]) -> Iterator[Ended]:
        """Send tasks and yield what becomes of each, in the order in which they end.

        `tasks` is asked for the next one when there is room for it; LATER has it asked again. Once
        the run is stopped no more are sent, and those that do not end within `GRACE` seconds come
        back as not begun. Raises ClusterError where the connection is lost.
        """
        has_more = True
        while True:
            self._look()
            while has_more and not self.is_stopping and self.room > 0:
                task = next(tasks, None)
                if isinstance(task, Later):
                    break
                if task is None:
                    has_more = False
                else:
                    self._send(task)
            if not self._sent and (not has_more or self.is_stopping):
                self._tell(time.monotonic())
                return
            try:
                key, outcome = self._ended.get(timeout=WAIT)
            except queue.Empty:
                yield from self._overdue()
                continue
            ended = self._take(key, outcome)
            if ended is not None:
                yield ended

    def _look(self) -> None:
        """Do what is due between two results."""
        now = time.monotonic()
        if self._client.status not in ("running", "connecting"):
            raise ClusterError("the connection to the cluster is lost; the same command goes on")
        if now - self._looked < WAIT:
            return
        self._looked = now
        if now - self._counted >= COUNT_EVERY:
            self._workers = len(self._client.nthreads())
            self._counted = now
        if not self.is_stopping and self._should_stop is not None and self._should_stop():
            self._stopped_at = now
            self._helpers.submit(self._client.run, stop_run, self._name, on_error="ignore")
        self._tell(now)

    def _tell(self, now: float) -> None:
        """Hand on what tasks have told, and how far the run is."""
        for sent in self._sent.values():
            if sent.is_new and self._on_told is not None:
                sent.is_new = False
                self._on_told(sent.task, sent.told)
        if self._on_progress is not None:
            self._on_progress(self._progress(now))

    def _progress(self, now: float) -> ClusterProgress:
        begun = [sent for sent in self._sent.values() if sent.begun]
        told = [sent.told for sent in begun if sent.told]
        share = (self._done + sum(each["share"] or 0.0 for each in told)) / max(1, self._count)
        return ClusterProgress(
            self._workers,
            len(begun),
            self._done,
            self._count,
            min(1.0, share),
            sum(each["samples_per_second"] for each in told),
            now - self._begin,
        )

    def _send(self, task: Task, lost: int = 0) -> None:
        sent = (processor_limit(), task.function, task.argument)
        content = pickle.dumps(sent, pickle.HIGHEST_PROTOCOL)
        key = f"sinefit-{self._name[:8]}-{self._number}"
        self._number += 1
        every = max(1.0, self._workers / REPORTS)
        future = self._client.submit(run_task, self._name, every, content, key=key, pure=False)
        self._sent[key] = _Sent(task, future, lost)
        future.add_done_callback(self._gather)

    def _gather(self, future: Future[bytes]) -> None:
        """Have the result of a task brought here, which may have to be computed again for that."""

        def bring() -> None:
            try:
                outcome: bytes | BaseException = future.result()
            except BaseException as error:
                outcome = error
            self._ended.put((future.key, outcome))

        try:
            self._helpers.submit(bring)
        except RuntimeError:
            return  # the run is over

    def _take(self, key: str, outcome: bytes | BaseException) -> Ended | None:
        """Return what became of a task, None for one that is sent again."""
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        sent = self._sent.pop(key, None)
        if sent is None:
            return None
        sent.future.release()
        task = sent.task
        if isinstance(outcome, FutureCancelledError) and not self.is_stopping:
            if sent.lost < LOST:
                self._send(task, sent.lost + 1)
                return None
            outcome = ClusterError(f"{task.name}: the scheduler has lost its task {LOST + 1} times")
        self._done += 1
        if isinstance(outcome, KilledWorker):
            outcome = ClusterError(
                f"{task.name}: {outcome.allowed_failures + 1} workers died while it was worked on; "
                "they may have too little memory for it"
            )
        if isinstance(outcome, bytes):
            value = pickle.loads(outcome)
            return Ended(task, begun=False) if isinstance(value, NotBegun) else Ended(task, value)
        if isinstance(outcome, FutureCancelledError):
            return Ended(task, begun=False)
        if not isinstance(outcome, Exception):
            raise outcome
        return Ended(task, error=outcome)

    def _overdue(self) -> Iterator[Ended]:
        """Yield the tasks that have not ended long after they were asked to."""
        if self._stopped_at is None or time.monotonic() - self._stopped_at < GRACE:
            return
        for sent in self._sent.values():
            sent.future.release()
            yield Ended(sent.task, begun=False)
        self._sent.clear()

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        """Take note of what a task tells; called by the client's own thread."""
        _, told = event
        sent = self._sent.get(told["task"])
        if sent is not None:
            sent.begun = True
            if told["values"] is not None:
                sent.told, sent.is_new = told["values"], True
