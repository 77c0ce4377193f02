"""Which files a command works on, and where each result goes."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sinefit.cli.streams import default_stream, is_standard_input
from sinefit.errors import InputError, OutputError, SettingError
from sinefit.fields.metadata import SUFFIX
from sinefit.files import is_stream

CHECKPOINT_SUFFIX: Final = f".ckpt{SUFFIX}"
"""How the names of checkpoints end; they are never taken for finished fields."""


@dataclass(frozen=True)
class Job:
    """One input and the output that is made of it."""

    source: str
    target: str
    makes_folder: bool = False
    """Whether the target's folder is made where it is missing: with --output-folder."""

    @property
    def checkpoint(self) -> Path | None:
        """Where the fit keeps its checkpoint: beside the output, nowhere for a stream."""
        if is_stream(self.target):
            return None
        return Path(self.target.removesuffix(SUFFIX) + CHECKPOINT_SUFFIX)


def plan_jobs(
    sources: list[str], output: str | None, folder: str | None, *, recursive: bool
) -> list[Job]:
    """Return a job per input, folders opened, before anything is read.

    Raises SettingError for options that contradict the inputs, InputError for a folder with nothing
    to fit, OutputError for two inputs with the same output. A single bad input is not told here: it
    must not keep the others of a batch from being fitted.
    """
    files = _expand(sources, recursive=recursive)
    if output is not None and folder is not None:
        raise SettingError("--output and --output-folder exclude each other: give one of them")
    if output is not None and len(files) > 1:
        raise SettingError(
            f"--output names one file, the inputs are {len(files)}: use --output-folder"
        )
    if folder is not None and os.path.isfile(folder):  # noqa: PTH113 (it takes any name)
        raise OutputError(f"{folder}: it is a file; give --output-folder another name")
    jobs = [_job(file, output, folder, root) for file, root in files]
    _refuse_collisions(jobs)
    return jobs


def newest_weights(folder: Path) -> Path:
    """Return the weights file of a folder that was written last, checkpoints excluded."""
    found = [
        path
        for path in folder.glob(f"*{SUFFIX}")
        if path.is_file() and not path.name.endswith(CHECKPOINT_SUFFIX)
    ]
    if not found:
        raise InputError(
            "no weights file in this folder: name one, or make one with: sinefit fit FILE"
        )
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def check_source(source: str) -> None:
    """Raise InputError for what is no file, before anything is said about an output."""
    if is_standard_input(source):
        return
    try:
        mode = Path(source).stat().st_mode
    except FileNotFoundError:
        raise InputError(f"{source} does not exist: check the name") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{source} cannot be opened: {reason}") from None
    if stat.S_ISDIR(mode):
        raise InputError(
            f"{source or 'FILE'} is a folder: add --recursive, or name the files in it"
        )


def _expand(sources: list[str], *, recursive: bool) -> list[tuple[str, Path | None]]:
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


def _job(source: str, output: str | None, folder: str | None, root: Path | None) -> Job:
    """Return where the weights go: beside the input, or standard output for standard input."""
    if output is not None:
        return Job(source, output)
    if is_standard_input(source):
        if folder is not None:
            raise SettingError("standard input has no name for a file in --output-folder")
        return Job(source, default_stream())
    if _leads_to_stream(source):
        raise SettingError(f"{source} is no ordinary file: name a weights file with --output")
    path = Path(source)
    if not path.name:
        check_source(source)  # it is this folder or the root
    if path.suffix == SUFFIX:
        raise InputError(
            f"{source} has the name of a weights file: get its signal back with sinefit render, or "
            "fit its original again with --from to go on"
        )
    path = path.with_suffix(SUFFIX)
    if folder is None:
        return Job(source, str(path))
    # A tree stays a tree: its folders are made anew below the output folder.
    inside = path.name if root is None else path.relative_to(root)
    return Job(source, str(Path(folder) / inside), makes_folder=True)


def _refuse_collisions(jobs: list[Job]) -> None:
    """Raise OutputError where one fit would write over what another writes."""
    taken: dict[str, str] = {}
    for job in jobs:
        if _leads_to_stream(job.target):
            continue
        places = (job.target, job.target.removesuffix(SUFFIX) + CHECKPOINT_SUFFIX)
        for shown in places:
            place = os.path.realpath(shown)
            if place in taken:
                raise OutputError(
                    f"{taken[place]} and {job.source} would both be written to {shown}: "
                    "fit one of them with --output"
                )
            taken[place] = job.source


def _leads_to_stream(name: str) -> bool:
    """Tell whether a name is that of a stream; one that cannot be a name is told of later."""
    try:
        return is_stream(name)
    except OutputError:
        return False
