"""The fit of a whole file on a worker."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinefit.cluster.carried import NotSharedError, placed
from sinefit.files import STANDARD_STREAM
from sinefit.jobs.checkpointed import CheckpointedFit
from sinefit.jobs.hooks import JobHooks
from sinefit.jobs.job import Job
from sinefit.jobs.origin import read_checkpoint
from sinefit.jobs.outcome import is_failure
from sinefit.jobs.reading import read_input
from sinefit.signals.reading import read_signal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sinefit.cluster.carried import CarriedFile
    from sinefit.cluster.worker import TaskContext
    from sinefit.fitting.report import FitResult, Progress
    from sinefit.jobs.settings import JobSettings
    from sinefit.signals.signal import Signal


@dataclass(frozen=True)
class FileFit:
    """A file to fit, with all that a worker needs for it."""

    job: Job
    settings: JobSettings
    origin: Mapping[str, Any]
    """What checkpoints remember of the job."""
    files: Mapping[str, CarriedFile]
    """The `source`, and where there are any `mask`, `start_from` and `checkpoint`."""
    target: str
    """The output's whole path, beside which a checkpoint may lie."""
    token: str | None
    """A file in its folder, found by whoever shares that."""


@dataclass(frozen=True)
class FileFitted:
    """What became of a file."""

    outcome: FitResult | Exception
    """As `run_plan` has it; the failures of single files are among them."""
    notices: tuple[str, ...] = ()


def fit_file(task: FileFit, context: TaskContext) -> FileFitted | None:
    """Fit a file; None where the worker does not see all that it reads."""
    notices: list[str] = []
    outcome: FitResult | Exception
    with tempfile.TemporaryDirectory(prefix="sinefit-task-") as folder:
        try:
            places = placed(task.files, Path(folder))
            outcome = _fit(task, places, notices, context)
        except NotSharedError:
            return None
        except Exception as error:
            if not is_failure(error):
                raise
            outcome = error
    return FileFitted(outcome, tuple(notices))


def _fit(
    task: FileFit, places: Mapping[str, Path], notices: list[str], context: TaskContext
) -> FitResult:
    settings = settings_here(task.settings, places, context.threads)
    is_shared = task.token is not None and Path(task.token).exists()
    # Where the output's folder is not seen there are no checkpoints on the way.
    job = Job(task.job.source, task.target if is_shared else STANDARD_STREAM)
    hooks = _HooksHere(places["source"], notices, context)
    begun = places.get("checkpoint")
    resume = None if begun is None else read_checkpoint(begun)
    signal = read_input(job, settings, hooks)
    fit = CheckpointedFit(job, settings, hooks, signal, resume, origin=task.origin)
    fit.tell_notices()
    plan = fit.plan()
    with hooks.fitting(fit, plan) as fit_hooks:
        return fit.run(plan, fit_hooks)


class _HooksHere(JobHooks):
    """Collects what the caller is to hear of a file, and tells how far its fit is."""

    def __init__(self, source: Path, notices: list[str], context: TaskContext) -> None:
        self._source = source
        self._notices = notices
        self._context = context

    def should_stop(self) -> bool:
        return self._context.should_stop()

    def read(self, source: str, **options: Any) -> Signal:
        return read_signal(self._source, name=source, **options)

    def on_notice(self, _job: Job, sentence: str) -> None:
        self._notices.append(sentence)

    def on_progress(self, _job: Job, progress: Progress) -> None:
        tell(self._context, progress)


def settings_here(settings: JobSettings, places: Mapping[str, Path], threads: int) -> JobSettings:
    """Return settings with the files and the threads of this worker."""
    if settings.config.threads is None:
        config = dataclasses.replace(settings.config, threads=threads)
        settings = dataclasses.replace(settings, config=config)
    if "start_from" in places:
        settings = dataclasses.replace(settings, start_from=str(places["start_from"]))
    if "mask" in places:
        selection = dataclasses.replace(settings.selection, mask=str(places["mask"]))
        settings = dataclasses.replace(settings, selection=selection)
    return settings


def tell(context: TaskContext, progress: Progress) -> None:
    """Tell how far a fit is."""
    values = dataclasses.asdict(progress)
    values["share"] = 1.0 if progress.phase == "measuring" else progress.share
    context.tell(values)
