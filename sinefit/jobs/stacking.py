"""Jobs whose fields end in one file: until all are done, each lies in a file of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

from sinefit.errors import OutputError, SettingError
from sinefit.fields.metadata import SUFFIX
from sinefit.fields.stack_file import MOST_FIELDS, stack_pieces
from sinefit.fields.weights_file import open_field
from sinefit.files import check_output, is_stream, locked, make_folder, write_bytes
from sinefit.fitting.checkpoint import settings_values
from sinefit.jobs.batch import run_batch
from sinefit.jobs.planning import plan_jobs
from sinefit.jobs.together import run_together

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sinefit.jobs.hooks import JobHooks
    from sinefit.jobs.job import Job
    from sinefit.jobs.outcome import JobOutcome
    from sinefit.jobs.settings import JobSettings, Settings

PARTS_SUFFIX: Final = ".parts"
"""How the name of the folder ends that holds the fields until all are done."""
_SETTINGS: Final = "settings.json"


@dataclass(frozen=True)
class StackJob:
    """Fits whose fields end in one file."""

    target: str
    """The file of all fields."""
    jobs: list[Job]
    """Of each field, whose weights and checkpoint lie in the folder meanwhile."""

    @property
    def folder(self) -> Path:
        """Where fields and checkpoints lie until all are done."""
        return parts_folder(self.target)

    @contextlib.contextmanager
    def claimed(self, settings: Settings) -> Iterator[Settings]:
        """See to the places, which until the block ends no other stack takes.

        Gives the settings of its fits, none of which replaces what another call has left.

        What an earlier call with the same settings has left in the folder stays: its fits are done,
        or go on. Raises OutputError for places that cannot be written to, SettingError for what is
        left of other settings, unless it is to be replaced.
        """
        with locked(self.target, suffix=SUFFIX):
            check_output(self.target, force=settings.force)
            told = self.folder / _SETTINGS
            mine = json.dumps(
                {
                    "settings": settings_values(settings.config),
                    "reading": settings.reading,
                    "start_from": settings.start_place,
                },
                sort_keys=True,
            )
            if self.folder.exists() and not told.is_file() and any(self.folder.iterdir()):
                raise OutputError(f"{self.folder}: it is in the way: move it, or name another file")
            if told.is_file() and _text_of(told) != mine:
                if not settings.force:
                    raise SettingError(
                        f"{self.folder}: what lies there was begun with other settings: give the "
                        "same, remove the folder, or add `force`"
                    )
                self.clear()
            make_folder(self.folder)
            write_bytes(told, mine.encode(), force=True)
            yield dataclasses.replace(settings, force=False)

    def gather(self, settings: JobSettings, hooks: JobHooks) -> list[str]:
        """Write all fields that there are into the one file, if any; return their names.

        Then the folder is removed. Raises what `write_bytes` does, and leaves the folder alone.
        """
        fields, storage, lost = {}, "float32", 0
        for job in self.jobs:
            if not job.has_output:
                continue  # it failed
            with open_field(Path(job.target)) as stored:
                name = Path(job.target).relative_to(self.folder).as_posix()
                fields[name.removesuffix(SUFFIX)] = stored.field()
                storage = stored.header.storage
                lost += bool(stored.header.byte_tensors)
        if fields:
            if lost:
                hooks.on_notice(
                    self.jobs[0],
                    f"{self.target}: colour profiles and sound tracks, which {lost} of "
                    f"{len(fields)} signals have, are not kept in a stack",
                )
            content = stack_pieces(fields, getattr(torch, storage))
            write_bytes(self.target, content, force=settings.force)
        self.clear()
        return [*fields]

    def clear(self) -> None:
        """Remove the folder with all that is in it."""
        if (self.folder / _SETTINGS).is_file():  # else it is none of ours
            shutil.rmtree(self.folder)


def parts_folder(target: str) -> Path:
    """Return the folder of the fields of a stack until all are done, beside its file."""
    path = Path(target)
    return path.with_name(path.name.removesuffix(SUFFIX) + PARTS_SUFFIX)


def plan_stack(sources: Iterable[str], target: str, *, recursive: bool = False) -> StackJob:
    """Return the jobs of a stack, folders opened if `recursive`, before anything is read.

    Raises what `plan_jobs` does, and SettingError for a target that is no file and for more inputs
    than a stack holds.
    """
    if is_stream(target) or not Path(target).name:
        raise SettingError(f"`stack` is {target}: name a file, whose folder takes others meanwhile")
    jobs = plan_jobs(sources, str(parts_folder(target)), recursive=recursive)
    if len(jobs) > MOST_FIELDS:
        raise SettingError(
            f"`stack` holds {MOST_FIELDS} fields at most, not {len(jobs)}: make several"
        )
    return StackJob(target, [dataclasses.replace(job, stack=target) for job in jobs])


def run_stack(stack: StackJob, settings: JobSettings, hooks: JobHooks) -> list[JobOutcome]:
    """Fit all files of a stack together and write its file, unless the fits are stopped.

    Returns what became of each that was begun or is done, in their order; raises what
    `run_together`, `StackJob.claimed` and `StackJob.gather` do.
    """
    settings = settings_for_stack(settings)
    with stack.claimed(settings) as each:
        outcomes = run_batch(stack.jobs, each, run_together, hooks, skip_existing=True)
        if len(outcomes) == len(stack.jobs) and not any(one.is_stopped for one in outcomes):
            stack.gather(settings, hooks)
    return outcomes


def settings_for_stack(settings: Settings) -> Settings:
    """Return the settings of the fits of a stack, whose fields are of one block each.

    Raises SettingError for settings that ask for several.
    """
    config = settings.config
    if config.block_size is not None or config.blocks not in (None, (1,)):
        word = "blocks" if config.block_size is None else "block_size"
        raise SettingError(f"`{word}` has no use here: the fields of one file have one block")
    config = dataclasses.replace(config, blocks=(1,))
    return dataclasses.replace(settings, config=config)


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
