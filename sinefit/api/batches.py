"""Many files: each fitted to a weights file, and stopped fits gone on with."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sinefit.cluster.address import ClusterAddress
from sinefit.cluster.batches import run_on_cluster
from sinefit.errors import InputError, SettingError
from sinefit.files import is_standard_input
from sinefit.fitting.hooks import CHECKPOINT_EVERY
from sinefit.fitting.words import config_of
from sinefit.jobs.batch import run_batch, run_in_turn
from sinefit.jobs.hooks import JobHooks
from sinefit.jobs.job import Job
from sinefit.jobs.origin import read_checkpoint, settings_again
from sinefit.jobs.planning import plan_jobs
from sinefit.jobs.running import run_job
from sinefit.jobs.settings import JobSettings
from sinefit.jobs.shards import Shard
from sinefit.jobs.stacking import plan_stack, run_stack
from sinefit.jobs.together import run_together
from sinefit.signals.selection import Selection
from sinefit.validation import (
    check_callbacks,
    file_name,
    truth,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Unpack

    from sinefit.fitting.report import FitResult, Progress
    from sinefit.fitting.words import FitSettings
    from sinefit.jobs.batch import Runner
    from sinefit.jobs.outcome import JobOutcome
    from sinefit.signals.signal import Kind


def fit_many(
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    folder: str | os.PathLike[str] | None = None,
    *,
    recursive: bool = False,
    together: bool = False,
    stack: str | os.PathLike[str] | None = None,
    skip_existing: bool = False,
    shard: str | tuple[int, int] | None = None,
    cluster: str | None = None,
    force: bool = False,
    kind: Kind | None = None,
    selection: Selection | None = None,
    sound: bool = True,
    start_from: str | os.PathLike[str] | None = None,
    checkpoint_every: float = CHECKPOINT_EVERY,
    on_progress: Callable[[str, Progress], None] | None = None,
    on_end: Callable[[JobOutcome], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    **settings: Unpack[FitSettings],
) -> list[JobOutcome]:
    """Fit each of many files to a weights file; return what became of each.

    `sources` are names of files, with `recursive` of folders too, in which every file with the
    name of a signal is fitted. Weights go to files of the same names with the ending .safetensors,
    beside the inputs or in `folder`, which is made where it is missing. A checkpoint lies beside
    them, written every `checkpoint_every` seconds, until they are done; the same call goes on with
    what an earlier one has left. `skip_existing` leaves out what has its weights file, `force`
    replaces that, and without either it is a failure of its file. `shard` "3/16", or (3, 16), does
    the third of 16 equal parts of the files, and other calls of the same files, on any machines,
    the others: each file is in one of them.

    The files are fitted one after the other, or `together`: small signals of one kind, all read
    before the first fit and fitted side by side or as one stacked network, whichever this machine
    does faster, on `threads` threads in all. Weights are written as soon as their fit is done.

    On a `cluster` of Dask they are fitted by workers: "local" or "local:4" starts those on this
    machine (in a script below `if __name__ == "__main__":`, which they load), "slurm:20" as many
    jobs as dask-jobqueue's configuration has them, "tcp://scheduler:8786" is one that runs. Files
    go by their paths where a worker sees them too, else with their content. One whose worker dies
    is fitted by another. It needs the extra "cluster".

    With `stack` the fits are made together and the fields of all that do not fail go to that one
    file by the inputs' names, see `load_stack`. Until then they lie in a folder of its name with
    the ending .parts, from where the same call goes on.

    `kind` ("image", "audio", "video", "array") and `selection` say how to read the files, `sound`
    whether a video's sound track is kept; `start_from` is a weights file to begin with; all other
    settings are those of `fit`. `on_progress` is called every few steps with the file's name,
    `on_end` with the outcome of each file, `on_notice` with sentences about what is lost or
    changed, each by one thread at a time, which need not be the caller's where fits are made
    together. `should_stop` is asked several times a second: True ends the call, and every fit that
    runs leaves a checkpoint.

    A file that fails does not stop the rest: its outcome holds the error, for a fit that diverged
    with the result of its best weights. Files that were not begun have no outcome. Raises, before
    anything is fitted, SettingError for a setting that cannot be, InputError for a folder without
    signals, OutputError for two files that would have the same output and, of fits `together`,
    SettingError for those that are not alike and InputError for a `start_from` that cannot be read.
    """
    check_callbacks(
        on_progress=on_progress, on_end=on_end, on_notice=on_notice, should_stop=should_stop
    )
    together, skip_existing = truth("together", together), truth("skip_existing", skip_existing)
    config = config_of(**settings)
    given = [sources] if isinstance(sources, str | os.PathLike) else sources
    names = [str(file_name("sources", name)) for name in given]
    recursive = truth("recursive", recursive)
    job_settings = JobSettings(
        config,
        Selection() if selection is None else selection,
        kind=kind,
        sound=sound,
        start_from=None if start_from is None else str(file_name("start_from", start_from)),
        force=force,
        checkpoint_every=checkpoint_every,
    )

    hooks = _Callbacks(on_progress, on_end, on_notice, should_stop)
    if stack is not None:
        if folder is not None or skip_existing or shard is not None or cluster is not None:
            raise SettingError(
                "`stack` excludes `folder`, `skip_existing`, `shard` and `cluster`: it is one file"
            )
        stack_job = plan_stack(names, str(file_name("stack", stack)), recursive=recursive)
        return run_stack(stack_job, job_settings, hooks)
    jobs = plan_jobs(
        names, None if folder is None else str(file_name("folder", folder)), recursive=recursive
    )
    if shard is not None:
        jobs = Shard.of(shard).of_all(jobs)
    runner: Runner = run_together if together else run_in_turn
    if cluster is not None:
        if together:
            raise SettingError("`together` and `cluster` exclude each other: leave one of them out")
        runner = partial(run_on_cluster, address=ClusterAddress.of(cluster))
    return run_batch(jobs, job_settings, runner, hooks, skip_existing=skip_existing)


def resume(
    path: str | os.PathLike[str],
    source: str | os.PathLike[str] | None = None,
    *,
    output: str | os.PathLike[str] | None = None,
    force: bool = False,
    device: str = "auto",
    threads: int | None = None,
    checkpoint_every: float = CHECKPOINT_EVERY,
    on_progress: Callable[[Progress], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> FitResult:
    """Go on with the fit of a checkpoint's file; write its weights file and return the result.

    `path` is a checkpoint that `fit_many` or the command line has left. It remembers its input and
    how that was read: `source` names the same input where it is neither there nor beside the
    checkpoint. The weights, the same as if the fit had never been stopped, go to where they were
    to go, beside a checkpoint that was moved, or to `output`; then the checkpoint that lies there
    is removed. `force` replaces a weights file. `device` and `threads` are those of this machine.
    `checkpoint_every` (seconds) and the callbacks are as in `fit_many`; a fit that `should_stop`
    ends leaves its checkpoint and raises FitStoppedError, or FitNotMeasuredError once its weights
    are written.

    Raises InputError for what is no sound checkpoint or an input that is not found, SettingError
    for another input than the checkpoint's, OutputExistsError, OutputError, and FitDivergedError
    once the best weights of a fit that diverges are written.
    """
    check_callbacks(on_progress=on_progress, on_notice=on_notice, should_stop=should_stop)
    force = truth("force", force)
    name = str(file_name("path", path))
    checkpoint = read_checkpoint(name)
    settings, origin = settings_again(
        JobSettings(
            replace(checkpoint.config, device=device, threads=threads),
            force=force,
            checkpoint_every=checkpoint_every,
        ),
        checkpoint,
        name,
    )
    if source is not None:
        found: str | None = str(file_name("source", source))
    elif is_standard_input(origin.source):
        raise SettingError(f"{name} was made of standard input: name the same as `source`")
    else:
        found = origin.place_of_source(name)
    if found is None:
        raise InputError(
            f"{name}: its input is neither beside it nor at {origin.source}: name it as `source`"
        )
    target = origin.place_of_target(name) if output is None else str(file_name("output", output))
    hooks = _Callbacks(
        None if on_progress is None else lambda _file, progress: on_progress(progress),
        None,
        on_notice,
        should_stop,
    )
    return run_job(Job(found, target), settings, hooks, resume=checkpoint)


class _Callbacks(JobHooks):
    """The hooks of a caller who has given functions, each of which may be None."""

    def __init__(
        self,
        on_progress: Callable[[str, Progress], None] | None,
        on_end: Callable[[JobOutcome], None] | None,
        on_notice: Callable[[str], None] | None,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self._on_progress = on_progress
        self._on_end = on_end
        self._on_notice = on_notice
        self._should_stop = should_stop

    def should_stop(self) -> bool:
        return self._should_stop is not None and self._should_stop()

    def on_progress(self, job: Job, progress: Progress) -> None:
        if self._on_progress is not None:
            self._on_progress(job.source, progress)

    def on_notice(self, _job: Job, sentence: str) -> None:
        if self._on_notice is not None:
            self._on_notice(sentence)

    def on_end(self, _job: Job, outcome: JobOutcome) -> None:
        if self._on_end is not None:
            self._on_end(outcome)
