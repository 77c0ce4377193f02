"""Which files a command works on, and where each result goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.errors import InputError, SettingError
from sinefit.fields.metadata import SUFFIX
from sinefit.files import is_standard_input
from sinefit.jobs.job import Job
from sinefit.jobs.planning import (
    check_folder,
    find_files,
    leads_to_stream,
    make_job,
    refuse_collisions,
)

if TYPE_CHECKING:
    from sinefit.cli.terminal.streams import Streams


def plan_jobs(
    sources: list[str], output: str | None, folder: str | None, streams: Streams, *, recursive: bool
) -> list[Job]:
    """Return a job per input, as the library's `plan_jobs`, but that streams are inputs too.

    Raises SettingError also for options that contradict the inputs.
    """
    files = find_files(sources, recursive=recursive)
    if output is not None and folder is not None:
        raise SettingError("--output and --output-folder exclude each other: give one of them")
    if output is not None and len(files) > 1:
        raise SettingError(
            f"--output names one file, the inputs are {len(files)}: use --output-folder"
        )
    check_folder(folder)
    jobs = [
        Job(file, output) if output is not None else _job(file, folder, root, streams)
        for file, root in files
    ]
    refuse_collisions(jobs, "fit one of them with --output")
    return jobs


def _job(source: str, folder: str | None, root: Path | None, streams: Streams) -> Job:
    """Return where the weights go: beside the input, or standard output for standard input."""
    if is_standard_input(source):
        if folder is not None:
            raise SettingError("standard input has no name for a file in --output-folder")
        return Job(source, streams.default_output())
    if leads_to_stream(source):
        raise SettingError(f"{source} is no ordinary file: name a weights file with --output")
    if Path(source).suffix == SUFFIX:
        raise InputError(
            f"{source} has the name of a weights file: get its signal back with sinefit render, or "
            "fit its original again with --from to go on"
        )
    return make_job(source, folder, root)
