"""What a checkpoint remembers of its job: the input, how it was read, where the weights go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sinefit.errors import InputError, SettingError
from sinefit.fields.content import content_of
from sinefit.fields.metadata import SUFFIX
from sinefit.files import is_standard_input
from sinefit.jobs.job import CHECKPOINT_SUFFIX
from sinefit.jobs.settings import with_reading
from sinefit.settings import settings_in
from sinefit.signals.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Container

    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.jobs.job import Job
    from sinefit.jobs.settings import JobSettings, Settings

READING: Final = {
    "kind": "kind",
    "input_format": "format",
    "sound": "sound",
    **{each.name: each.word for each in settings_in(Selection)},
}
"""How an input is read: fields of JobSettings and of its Selection, and what messages call them."""


@dataclass(frozen=True)
class Origin:
    """What a checkpoint remembers of its job."""

    source: str
    """The input's whole name, or that of standard input."""
    target: Path
    reading: dict[str, Any]
    """See `JobSettings.reading`."""

    def place_of_source(self, name: str) -> str | None:
        """Return the input of a checkpoint: beside one that was moved, else where it was, or there.

        `name` is the checkpoint's file. None where it is in neither place.
        """
        source = Path(self.source)
        beside = Path(name).parent / source.name
        for place in (beside, source) if self.is_moved(name) else (source, beside):
            if place.exists():
                return str(place)
        return None

    def place_of_target(self, name: str) -> str:
        """Return where the weights go: beside the checkpoint if that was moved."""
        if self.is_moved(name):
            return name.removesuffix(CHECKPOINT_SUFFIX) + SUFFIX
        return str(self.target)

    def is_moved(self, name: str) -> bool:
        """Tell whether a checkpoint's file lies in another folder than its weights were to."""
        return self.target.parent.resolve() != Path(name).parent.resolve()


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint; raises InputError for anything that is not a sound one."""
    # Importing torch takes seconds, which a command that reads none need not wait.
    from sinefit.fitting.checkpoint import checkpoint_of

    return checkpoint_of(content_of(Path(path)))


def origin_of(job: Job, settings: JobSettings) -> dict[str, Any]:
    """Return what a checkpoint keeps so that its fit can be found and read again."""
    source = job.source if is_standard_input(job.source) else str(Path(job.source).absolute())
    return {
        "source": source,
        "target": str(Path(job.target).absolute()),
        "reading": settings.reading,
        "start_from": settings.start_place,
    }


def settings_again(
    settings: Settings, checkpoint: Checkpoint, name: str, given: Container[str] = ()
) -> tuple[Settings, Origin]:
    """Return settings that read an input as a checkpoint's fit did, and what it remembers.

    Those `given`, by the names of `READING`, are kept, so that what differs is found. Raises
    InputError for a checkpoint that does not tell its input; `name` is its file.
    """
    try:
        origin = dict(checkpoint.origin)
        theirs = {field: origin["reading"][field] for field in READING}
        mine = settings.reading
        reading = {field: mine[field] if field in given else theirs[field] for field in READING}
        settings = with_reading(settings, reading)
        return settings, Origin(str(origin["source"]), Path(origin["target"]), theirs)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{name}: damaged checkpoint: it does not tell its input") from error


def check_reading(checkpoint: Checkpoint, settings: JobSettings) -> None:
    """Raise SettingError, naming what differs, if an input is read unlike the checkpoint's."""
    theirs = checkpoint.origin.get("reading")
    if not isinstance(theirs, dict):
        return  # it was made of a signal, not of a file
    for name, value in settings.reading.items():
        if name in theirs and theirs[name] != value:
            raise _differs(READING[name], theirs[name], value)


def check_start(checkpoint: Checkpoint, settings: JobSettings) -> None:
    """Raise SettingError if a fit begins with other weights than the checkpoint's."""
    theirs = checkpoint.origin.get("start_from")
    if theirs != settings.start_place:
        raise _differs("start_from", theirs, settings.start_place)


def _differs(name: str, theirs: object, mine: object) -> SettingError:
    return SettingError(
        f"the checkpoint was made with `{name}` {_word(theirs)}, not {_word(mine)}: give the "
        "same again, or remove the checkpoint"
    )


def _word(value: object) -> str:
    if isinstance(value, list):
        return ",".join(str(part) for part in value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return "by default" if value is None else str(value)
