"""Many files fitted on a cluster: a file is a task; all that is written is written here."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from sinefit.cluster.carried import CarriedFile, SharedFolders
from sinefit.cluster.connecting import connected
from sinefit.cluster.file_fits import FileFit, fit_file
from sinefit.cluster.tasks import Run, Task
from sinefit.errors import SettingError, SinefitError
from sinefit.fields.weights_file import field_pieces
from sinefit.files import is_stream
from sinefit.fitting.checkpoint import checkpoint_pieces
from sinefit.fitting.report import Progress
from sinefit.jobs.hooks import JobHooks
from sinefit.jobs.keeping import JobPlaces
from sinefit.jobs.origin import origin_of
from sinefit.jobs.places import claim_output
from sinefit.jobs.running import FAILURES, JobOutcome, keep, left_out, outcome_of
from sinefit.signals.selection import ALPHA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from distributed import Client

    from sinefit.cluster.address import ClusterAddress
    from sinefit.cluster.tasks import ClusterProgress, Ended
    from sinefit.errors import OutputError
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.report import FitResult
    from sinefit.jobs.job import Job
    from sinefit.jobs.keeping import Left
    from sinefit.jobs.settings import JobSettings


@dataclass(frozen=True)
class BatchHooks:
    """What a caller wants to hear of files that are fitted on a cluster, and how it stops them."""

    on_begin: Callable[[Job], None] | None = None
    """Called with a file that is sent to the workers."""
    on_progress: Callable[[ClusterProgress], None] | None = None
    """Called several times a second with the state of all."""
    on_fit_progress: Callable[[Job, Progress], None] | None = None
    """Called with what a file's fit tells."""
    on_notice: Callable[[Job, str], None] | None = None
    """Called with a sentence about something lost or changed."""
    on_removed: Callable[[Job, Path], None] | None = None
    """Called with a checkpoint that was removed, since the job's output is finished."""
    should_stop: Callable[[], bool] | None = None
    """Asked several times a second: True stops all fits, each of which leaves a checkpoint."""


def fit_on_cluster(
    client: Client,
    jobs: Sequence[Job],
    settings: JobSettings,
    hooks: BatchHooks | None = None,
    *,
    skip_existing: bool = False,
) -> Iterator[JobOutcome]:
    """Fit files on the workers of a client; yield what becomes of each, in the order they end.

    A file that fails does not stop the rest. Of a batch that is stopped, files that had begun have
    FitStoppedError or FitNotMeasuredError as their error, those that had not have no outcome.
    Raises SettingError for a file that is a stream.
    """
    for job in jobs:
        if is_stream(job.source):
            raise SettingError(f"{job.source} is a stream: `cluster` takes files, which have names")
    return _Batch(client, jobs, settings, hooks or BatchHooks(), skip_existing=skip_existing).run()


def run_jobs_on_cluster(
    address: ClusterAddress,
    jobs: Sequence[Job],
    settings: JobSettings,
    hooks: BatchHooks | None = None,
    *,
    skip_existing: bool = False,
    on_end: Callable[[JobOutcome], None] | None = None,
) -> list[JobOutcome]:
    """Fit files on a cluster; return what became of each that was begun, in their order.

    Raises what `connected` and `fit_on_cluster` do.
    """
    found: dict[str, JobOutcome] = {}
    with connected(address) as client:
        for outcome in fit_on_cluster(client, jobs, settings, hooks, skip_existing=skip_existing):
            found[outcome.source] = outcome
            if on_end is not None:
                on_end(outcome)
    return [found[job.source] for job in jobs if job.source in found]


class _RemoteFit:
    """A fit elsewhere, of which this process keeps what comes of it."""

    def __init__(self, job: Job, settings: JobSettings, hooks: JobHooks) -> None:
        self.job = job
        self.origin = origin_of(job, settings)
        self._places = JobPlaces(job, settings, hooks)

    def write(self, result: FitResult) -> OutputError | None:
        storage = getattr(torch, result.report.dtype)
        return self._places.write(lambda: field_pieces(result.field, storage))

    def leave(self, checkpoint: Checkpoint) -> Left:
        content = dataclasses.replace(checkpoint, origin=self.origin)
        return self._places.leave(lambda: checkpoint_pieces(content))


@dataclass(frozen=True)
class _Claimed:
    """A job that is on its way."""

    fit: _RemoteFit
    hooks: JobHooks
    held: contextlib.ExitStack
    """Keeps its output locked."""

    @property
    def job(self) -> Job:
        return self.fit.job


class _Batch:
    def __init__(
        self,
        client: Client,
        jobs: Sequence[Job],
        settings: JobSettings,
        hooks: BatchHooks,
        *,
        skip_existing: bool,
    ) -> None:
        self._client = client
        self._jobs = jobs
        self._settings = settings
        self._hooks = hooks
        self._skip_existing = skip_existing
        self._told: list[JobOutcome] = []
        """Of jobs that never came to be tasks."""
        self._again: list[Task] = []
        """Tasks that are sent once more, with the content of their files."""

    def run(self) -> Iterator[JobOutcome]:
        with (
            contextlib.ExitStack() as self._held,
            SharedFolders() as self._folders,
            Run(
                self._client,
                len(self._jobs),
                should_stop=self._hooks.should_stop,
                on_progress=self._hooks.on_progress,
                on_told=self._hear,
            ) as run,
        ):
            waiting = self._tasks()
            while True:
                for ended in run.results(self._next(waiting)):
                    yield from self._earlier()
                    outcome = self._outcome(ended)
                    if outcome is not None:
                        yield outcome
                yield from self._earlier()
                if run.is_stopping or not self._again:
                    return

    def _next(self, waiting: Iterator[Task]) -> Iterator[Task]:
        """Yield tasks that are sent again before new ones."""
        while True:
            if self._again:
                yield self._again.pop()
                continue
            task = next(waiting, None)
            if task is None:
                return
            yield task

    def _earlier(self) -> Iterator[JobOutcome]:
        told, self._told = self._told, []
        yield from told

    def _tasks(self) -> Iterator[Task]:
        for job in self._jobs:
            hooks = self._job_hooks(job)
            if self._skip_existing and job.has_output:
                self._told.append(left_out(job, hooks))
                continue
            held = contextlib.ExitStack()
            self._held.push(held)
            try:
                yield self._task(job, hooks, held)
            except (SinefitError, *FAILURES) as error:
                held.close()
                self._told.append(JobOutcome(job.source, job.shown, None, error))

    def _task(self, job: Job, hooks: JobHooks, held: contextlib.ExitStack) -> Task:
        """Claim the output of a job and make a task of it."""
        if self._hooks.on_begin is not None:
            self._hooks.on_begin(job)
        resume = claim_output(job, self._settings, hooks, held)
        fit = _RemoteFit(job, self._settings, hooks)
        mask = self._settings.selection.mask
        named: dict[str, str | Path | None] = {
            "source": job.source,
            "start_from": self._settings.start_from,
            "mask": None if mask == ALPHA else mask,
        }
        if resume is not None:
            named["checkpoint"] = job.checkpoint
            fit.origin["start_from"] = resume.origin.get("start_from")
        target = Path(job.target).absolute()
        argument = FileFit(
            job,
            self._settings,
            fit.origin,
            {word: CarriedFile.of(name) for word, name in named.items() if name is not None},
            str(target),
            None if job.checkpoint is None else self._folders.token(target.parent),
        )
        return Task(job.source, fit_file, argument, _Claimed(fit, hooks, held))

    def _outcome(self, ended: Ended) -> JobOutcome | None:
        """Keep what came of a task; None for one that had not begun or is sent again."""
        claimed: _Claimed = ended.task.origin
        job = claimed.job
        if ended.error is None and ended.begun and ended.value is None:  # it saw not all files
            argument = ended.task.argument
            try:
                files = {word: file.loaded() for word, file in argument.files.items()}
            except SinefitError as error:
                claimed.held.close()
                return JobOutcome(job.source, job.shown, None, error)
            argument = dataclasses.replace(argument, files=files)
            self._again.append(dataclasses.replace(ended.task, argument=argument))
            return None
        with claimed.held:
            if not ended.begun:
                return None
            if ended.error is not None:
                return JobOutcome(job.source, job.shown, None, ended.error)
            for notice in ended.value.notices:
                claimed.hooks.on_notice(notice)
            outcome = ended.value.outcome
            if isinstance(outcome, FAILURES):
                return JobOutcome(job.source, job.shown, None, outcome)
            return outcome_of(job, partial(keep, claimed.fit, outcome, claimed.hooks))

    def _job_hooks(self, job: Job) -> JobHooks:
        given: dict[str, Any] = {}
        if self._hooks.on_notice is not None:
            given["on_notice"] = partial(self._hooks.on_notice, job)
        if self._hooks.on_removed is not None:
            given["on_removed"] = self._hooks.on_removed
        return JobHooks(**given)

    def _hear(self, task: Task, values: dict[str, Any]) -> None:
        if self._hooks.on_fit_progress is not None:
            blocks = values["blocks"]
            progress = Progress(**{**values, "blocks": None if blocks is None else tuple(blocks)})
            self._hooks.on_fit_progress(task.origin.job, progress)
