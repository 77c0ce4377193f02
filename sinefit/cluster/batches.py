"""Files fitted on a cluster, each as a task or by its blocks; all is written here."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from sinefit.cluster.blocks import check_in_blocks, fit_blocks_on_cluster, obstacle
from sinefit.cluster.carried import CarriedFile, SharedFolders
from sinefit.cluster.connecting import connected
from sinefit.cluster.file_fits import FileFit, fit_file
from sinefit.cluster.tasks import Run, Task
from sinefit.errors import SettingError, SinefitError
from sinefit.fields.weights_file import field_pieces
from sinefit.files import is_stream
from sinefit.fitting.checkpoint import checkpoint_pieces
from sinefit.fitting.report import Progress
from sinefit.jobs.checkpointed import CheckpointedFit
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
    from sinefit.fitting.report import FitResult, Outcome
    from sinefit.jobs.job import Job
    from sinefit.jobs.keeping import Left
    from sinefit.jobs.settings import JobSettings


LARGE_FILE: Final = 8_000_000
"""Bytes of a file from which on it is fitted by its blocks, also among many."""


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
    FitStoppedError or FitNotMeasuredError as their error, those that had not have no outcome. One
    file alone, and large ones among many, are fitted by their blocks, if they have several; what
    is done of one that is stopped, which has PartsStoppedError as its error, stays in a journal.
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
        """Fit the files, and then the large ones, block by block."""
        large = self._jobs
        if len(self._jobs) > 1:
            large = [job for job in self._jobs if self._is_large(job)]
            yield from self._files([job for job in self._jobs if job not in large])
        for job in large:
            if self._should_stop():
                return
            outcome = self._in_blocks(job)
            if outcome is None:
                yield from self._files([job])
            else:
                yield outcome

    def _is_large(self, job: Job) -> bool:
        """Tell whether a file of many is worth all workers at once."""
        config = self._settings.config
        if obstacle(config) is not None or config.blocks == (1,):
            return False
        with contextlib.suppress(OSError, ValueError):
            return Path(job.source).stat().st_size >= LARGE_FILE
        return False

    def _in_blocks(self, job: Job) -> JobOutcome | None:
        """Fit a file by its blocks.

        None for one of a single network, one that was begun alone, and one whose weights go to a
        stream, which has no place for a journal.
        """
        if job.checkpoint is None:
            return None
        hooks, begin = self._job_hooks(job), self._hooks.on_begin
        if self._skip_existing and job.has_output:
            return left_out(job, hooks)
        notices: list[str] = []
        with contextlib.ExitStack() as held:
            try:
                if claim_output(job, self._settings, hooks, held) is not None:
                    return None
                quiet = dataclasses.replace(hooks, on_notice=notices.append)
                fit = CheckpointedFit(job, self._settings, quiet)
                config, spec = self._settings.config, fit.signal.spec
                count = config.blocks_for(spec).count
                if count == 1:
                    return None
                if begin is not None:
                    begin(job)
                for notice in notices:
                    hooks.on_notice(notice)
                check_in_blocks(config, count)
                outcome: Outcome = fit_blocks_on_cluster(
                    self._client,
                    fit,
                    fit.plan(),
                    force=self._settings.force,
                    should_stop=self._hooks.should_stop,
                    on_progress=self._hooks.on_progress,
                    on_measuring=self._told_of(job),
                    on_notice=hooks.on_notice,
                )
            except SinefitError as error:
                outcome = error
            except FAILURES as error:
                return JobOutcome(job.source, job.shown, None, error)
            return outcome_of(job, partial(keep, fit, outcome, hooks))

    def _told_of(self, job: Job) -> Callable[[Progress], None] | None:
        told = self._hooks.on_fit_progress
        return None if told is None else partial(told, job)

    def _should_stop(self) -> bool:
        return self._hooks.should_stop is not None and self._hooks.should_stop()

    def _files(self, jobs: Sequence[Job]) -> Iterator[JobOutcome]:
        """Fit files, each on one worker."""
        with (
            contextlib.ExitStack() as self._held,
            SharedFolders() as self._folders,
            Run(
                self._client,
                len(jobs),
                should_stop=self._hooks.should_stop,
                on_progress=self._hooks.on_progress,
                on_told=self._hear,
            ) as run,
        ):
            waiting = self._tasks(jobs)
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

    def _tasks(self, jobs: Sequence[Job]) -> Iterator[Task]:
        for job in jobs:
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
