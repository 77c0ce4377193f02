"""What is seen to before a fit: its input is a signal, its places take files, no other has them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.errors import InputError, OutputExistsError
from sinefit.fields.metadata import SUFFIX
from sinefit.files import check_output, is_stream, locked, make_folder
from sinefit.jobs.job import check_source
from sinefit.jobs.origin import check_reading, check_start, read_checkpoint
from sinefit.jobs.stale import remove_finished_checkpoint
from sinefit.signals.sniffing import detect

if TYPE_CHECKING:
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.jobs.hooks import JobHooks
    from sinefit.jobs.job import Job
    from sinefit.jobs.settings import JobSettings


def claim_output(
    job: Job,
    settings: JobSettings,
    hooks: JobHooks,
    held: contextlib.ExitStack,
    *,
    resume: Checkpoint | None = None,
) -> Checkpoint | None:
    """See to a job's places; return the checkpoint that it goes on from.

    It is `resume`, or what an interrupted fit of the same settings has left beside the output.
    Until `held` is closed no other job writes to the same output. Raises InputError for what is no
    signal, OutputError for places that cannot be written to, SettingError for a checkpoint of
    another fit.
    """
    check_source(job.source)
    _check_content(job.source, settings)
    if job.makes_folder:
        make_folder(Path(job.target).parent)
    is_locked = job.checkpoint is None or held.enter_context(locked(job.target, suffix=SUFFIX))
    try:
        _check_places(job, settings)
    except OutputExistsError:
        removed = None if resume is not None else remove_finished_checkpoint(job)
        if removed is not None:
            hooks.on_removed(job, removed)
        raise
    if not is_locked:
        hooks.on_notice(job, f"{job.target}: it cannot be locked here: let no other fit write it")
    if resume is None:
        resume = _left_behind(job, settings)
    if resume is not None:
        check_reading(resume, settings)
    hooks.on_claimed(job, resume)
    return resume


def _check_content(source: str, settings: JobSettings) -> None:
    """Raise InputError for a file that is no signal, before anything is said about its output."""
    if settings.input_format is not None or not Path(source).is_file() or is_stream(source):
        return
    # What cannot be opened is explained by whoever reads it next.
    with contextlib.suppress(OSError), Path(source).open("rb") as file:
        detect(file, source)


def _check_places(job: Job, settings: JobSettings) -> None:
    """Raise OutputError for a place that cannot be written to."""
    check_output(job.target, force=settings.force, source=job.source)
    if job.checkpoint is not None:
        check_output(job.checkpoint, force=True, source=job.source)


def _left_behind(job: Job, settings: JobSettings) -> Checkpoint | None:
    """Return the checkpoint that an interrupted fit of the same job left, if there is one."""
    path = job.checkpoint
    if path is None or settings.force or not path.is_file():
        return None
    try:
        checkpoint = read_checkpoint(path)
    except InputError as error:
        raise InputError(f"{error}; `force` starts over") from error
    check_start(checkpoint, settings)
    return checkpoint
