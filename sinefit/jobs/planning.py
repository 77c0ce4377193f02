"""Which files are fitted, and where the weights of each go and lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.errors import InputError, OutputError, SettingError
from sinefit.fields.metadata import SUFFIX
from sinefit.files import is_stream
from sinefit.jobs.job import CHECKPOINT_SUFFIX, Job, check_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def plan_jobs(
    sources: Iterable[str], folder: str | None = None, *, recursive: bool = False
) -> list[Job]:
    """Return a job per input, folders opened if `recursive`, before anything is read.

    Weights go to files of the inputs' names, beside them or in `folder`. Raises InputError for a
    folder with nothing to fit, SettingError for an input that has no name of its own, OutputError
    for two inputs with the same output. A single bad input is not told here: it must not keep the
    others of a batch from being fitted.
    """
    check_folder(folder)
    jobs = [make_job(file, folder, root) for file, root in find_files(sources, recursive=recursive)]
    refuse_collisions(jobs)
    return jobs


def check_folder(folder: str | None) -> None:
    """Raise OutputError for an output folder that is a file."""
    if folder is not None and os.path.isfile(folder):  # noqa: PTH113 (it takes any name)
        raise OutputError(f"{folder}: it is a file; give `folder` another name")


def find_files(sources: Iterable[str], *, recursive: bool) -> list[tuple[str, Path | None]]:
    """Return the files, each with the folder it was found in, if it was."""
    found: list[tuple[str, Path | None]] = []
    for source in sources:
        if recursive and source and os.path.isdir(source):  # noqa: PTH112 (it takes any name)
            inside = _files_below(Path(source))
            if not inside:
                raise InputError(f"{source}: no file in this folder has the name of a signal")
            found += [(str(path), Path(source)) for path in inside]
        else:
            found.append((source, None))
    return found


def make_job(source: str, folder: str | None, root: Path | None = None) -> Job:
    """Return the job of a file: its weights lie beside it or, with `folder`, in that.

    `root` is the folder that the file was found in, whose tree is made anew below `folder`.
    """
    if leads_to_stream(source):
        raise SettingError(f"{source} is no ordinary file: it has no name for a weights file")
    path = Path(source)
    if not path.name:
        check_source(source)  # it is this folder or the root
    if path.suffix == SUFFIX:
        raise InputError(
            f"{source} has the name of a weights file: render it to get its signal back, or fit "
            "its original again with `start_from` to go on"
        )
    path = path.with_suffix(SUFFIX)
    if folder is None:
        return Job(source, str(path))
    inside = path.name if root is None else path.relative_to(root)
    return Job(source, str(Path(folder) / inside), makes_folder=True)


def refuse_collisions(jobs: Sequence[Job], cure: str = "fit one of them apart") -> None:
    """Raise OutputError where one fit would write over what another writes."""
    taken: dict[str, str] = {}
    for job in jobs:
        if leads_to_stream(job.target):
            continue
        places = (job.target, job.target.removesuffix(SUFFIX) + CHECKPOINT_SUFFIX)
        for shown in places:
            place = os.path.realpath(shown)
            if place in taken:
                raise OutputError(
                    f"{taken[place]} and {job.source} would both be written to {shown}: {cure}"
                )
            taken[place] = job.source


def newest_weights(folder: Path) -> Path | None:
    """Return the weights file of a folder that was written last, checkpoints excluded."""
    found = (
        path
        for path in folder.glob(f"*{SUFFIX}")
        if path.is_file() and not path.name.endswith(CHECKPOINT_SUFFIX)
    )
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)


def leads_to_stream(name: str) -> bool:
    """Tell whether a name is that of a stream; one that cannot be a name is told of later."""
    try:
        return is_stream(name)
    except OutputError:
        return False


def _files_below(folder: Path) -> list[Path]:
    """Return the files below a folder whose endings are those of signals, in order of name.

    What is hidden stays so: files and folders whose names begin with a dot.
    """
    from sinefit.signals.formats import FORMATS

    endings = {end for formats in FORMATS.values() for ends in formats.values() for end in ends}
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in endings
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
