"""Files fitted on a cluster, each as a task or by its blocks; all is written here."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sinefit.cluster.blocks import check_in_blocks, fit_blocks_on_cluster, obstacle
from sinefit.cluster.carried import CarriedFile, SharedFolders
from sinefit.cluster.connecting import connected
from sinefit.cluster.file_fits import FileFit, fit_file
from sinefit.cluster.tasks import Run, Task
from sinefit.errors import SettingError, SinefitError
from sinefit.files import is_stream
from sinefit.fitting.report import Progress
from sinefit.jobs.checkpointed import CheckpointedFit
from sinefit.jobs.keeping import JobPlaces
from sinefit.jobs.outcome import JobOutcome
from sinefit.jobs.places import claim_output
from sinefit.jobs.reading import read_input
from sinefit.jobs.running import keep
from sinefit.signals.selection import ALPHA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from distributed import Client

    from sinefit.cluster.address import ClusterAddress
    from sinefit.cluster.tasks import ClusterProgress, Ended
    from sinefit.fitting.report import FitResult, Outcome
    from sinefit.jobs.batch import Batch
    from sinefit.jobs.job import Job

    Watch = Callable[[], AbstractContextManager[Callable[[ClusterProgress], None] | None]]
    """Surrounds the work of all workers, and gives what hears of it several times a second."""

LARGE_FILE: Final = 8_000_000
"""Bytes of a file from which on it is fitted by its blocks, also among many."""


def run_on_cluster(
    batch: Batch, *, address: ClusterAddress, watch: Watch = contextlib.nullcontext
) -> None:
    """Fit the files of a batch on the workers of a cluster.

    Of a batch that is stopped, files that had begun leave a checkpoint. One file alone, and large
    ones among many, are fitted by their blocks, if they have several; what is done of one that is
    stopped, which has PartsStoppedError as its error, stays in a journal. Raises what `connected`
    does, and SettingError for a file that is a stream.
    """
    for job in batch.jobs:
        if is_stream(job.source):
            raise SettingError(f"{job.source} is a stream: `cluster` takes files, which have names")
    if batch.jobs:
        with batch.hooks.stoppable(), connected(address) as client, watch() as on_progress:
            _ClusterBatch(client, batch, on_progress).run()


@dataclass(frozen=True)
class _Claimed:
    """A job that is on its way."""

    job: Job
    places: JobPlaces
    held: contextlib.ExitStack
    """Keeps its output locked."""


class _ClusterBatch:
    def __init__(
        self,
        client: Client,
        batch: Batch,
        on_progress: Callable[[ClusterProgress], None] | None,
    ) -> None:
        self._client = client
        self._batch = batch
        self._settings = batch.settings
        self._hooks = batch.hooks
        self._on_progress = on_progress
        self._again: list[Task] = []
        """Tasks that are sent once more, with the content of their files."""

    def run(self) -> None:
        """Fit the files, and then the large ones, block by block."""
        jobs = self._batch.jobs
        large = jobs if len(jobs) == 1 else [job for job in jobs if self._is_large(job)]
        if len(large) < len(jobs):
            small = [job for job in jobs if job not in large]
            self._files(self._batch.waiting(small), len(small))
        for job in self._batch.waiting(large):
            if not self._in_blocks(job):
                self._files(iter([job]), 1)

    def _is_large(self, job: Job) -> bool:
        """Tell whether a file of many is worth all workers at once."""
        config = self._settings.config
        if obstacle(config) is not None or config.blocks == (1,):
            return False
        with contextlib.suppress(OSError, ValueError):
            return Path(job.source).stat().st_size >= LARGE_FILE
        return False

    def _in_blocks(self, job: Job) -> bool:
        """Fit a file by its blocks and end its job.

        False for one of a single network, one that was begun alone, and one whose weights go to a
        stream, which has no place for a journal.
        """
        if job.checkpoint is None:
            return False
        with contextlib.ExitStack() as held:
            try:
                if claim_output(job, self._settings, self._hooks, held) is not None:
                    return False
                signal = read_input(job, self._settings, self._hooks)
            except Exception as error:
                self._batch.fail(job, error)
                return True
            if self._settings.config.blocks_for(signal.spec).count == 1:
                return False
            fit = CheckpointedFit(job, self._settings, self._hooks, signal)
            fit.tell_notices()
            self._batch.attempt(job, partial(self._blocks, fit))
        return True

    def _blocks(self, fit: CheckpointedFit) -> FitResult:
        """Fit what has been read block by block, and keep what that comes to."""
        config, job, hooks = self._settings.config, fit.job, self._hooks
        outcome: Outcome
        try:
            check_in_blocks(config, config.blocks_for(fit.signal.spec).count)
            outcome = fit_blocks_on_cluster(
                self._client,
                fit,
                fit.plan(),
                force=self._settings.force,
                should_stop=hooks.should_stop,
                on_progress=self._on_progress,
                on_measuring=partial(hooks.on_progress, job),
                on_notice=partial(hooks.on_notice, job),
            )
        except SinefitError as error:
            outcome = error
        return keep(job, fit.places, outcome, hooks)

    def _files(self, jobs: Iterator[Job], count: int) -> None:
        """Fit so many files, each on one worker."""
        with (
            contextlib.ExitStack() as self._held,
            SharedFolders() as self._folders,
            Run(
                self._client,
                count,
                should_stop=self._hooks.should_stop,
                on_progress=self._on_progress,
                on_told=self._hear,
            ) as run,
        ):
            waiting = self._tasks(jobs)
            while True:
                for ended in run.results(self._next(waiting)):
                    self._end(ended)
                if run.is_stopping or not self._again:
                    return

    def _next(self, waiting: Iterator[Task]) -> Iterator[Task]:
        """Yield tasks that are sent again before new ones."""
        while True:
            task = self._again.pop() if self._again else next(waiting, None)
            if task is None:
                return
            yield task

    def _tasks(self, jobs: Iterator[Job]) -> Iterator[Task]:
        for job in jobs:
            held = contextlib.ExitStack()
            self._held.push(held)
            try:
                task = self._task(job, held)
            except Exception as error:
                held.close()
                self._batch.fail(job, error)
            else:
                yield task

    def _task(self, job: Job, held: contextlib.ExitStack) -> Task:
        """Claim the output of a job and make a task of it."""
        resume = claim_output(job, self._settings, self._hooks, held)
        places = JobPlaces(job, self._settings, self._hooks, resume)
        mask = self._settings.selection.mask
        named: dict[str, str | Path | None] = {
            "source": job.source,
            "start_from": self._settings.start_from,
            "mask": None if mask == ALPHA else mask,
            "checkpoint": None if resume is None else job.checkpoint,
        }
        target = Path(job.target).absolute()
        argument = FileFit(
            job,
            self._settings,
            places.origin,
            {word: CarriedFile.of(name) for word, name in named.items() if name is not None},
            str(target),
            None if job.checkpoint is None else self._folders.token(target.parent),
        )
        return Task(job.source, fit_file, argument, _Claimed(job, places, held))

    def _end(self, ended: Ended) -> None:
        """Keep what came of a task; one whose worker did not see its files is sent again."""
        claimed: _Claimed = ended.task.origin
        job, hooks = claimed.job, self._hooks
        if ended.error is None and ended.begun and ended.value is None:
            try:
                self._again.append(_with_files(ended.task))
            except SinefitError as error:
                claimed.held.close()
                self._batch.fail(job, error)
            return
        with claimed.held:
            if ended.error is not None:
                self._batch.end(job, JobOutcome(job.source, job.shown, None, ended.error))
            elif ended.begun:
                for notice in ended.value.notices:
                    hooks.on_notice(job, notice)
                found = ended.value.outcome
                self._batch.attempt(job, partial(keep, job, claimed.places, found, hooks))

    def _hear(self, task: Task, values: dict[str, Any]) -> None:
        blocks = values["blocks"]
        progress = Progress(**{**values, "blocks": None if blocks is None else tuple(blocks)})
        self._hooks.on_progress(task.origin.job, progress)


def _with_files(task: Task) -> Task:
    """Return a task that carries the content of its files; raises what reading them does."""
    files = {word: file.loaded() for word, file in task.argument.files.items()}
    return dataclasses.replace(task, argument=dataclasses.replace(task.argument, files=files))
