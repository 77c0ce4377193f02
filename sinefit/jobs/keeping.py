"""Where a fit's weights and its checkpoint go, and where else if that place does not take them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.errors import OutputError
from sinefit.files import write_bytes, write_elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sinefit.jobs.hooks import JobHooks
    from sinefit.jobs.job import Job
    from sinefit.jobs.settings import JobSettings

    Pieces = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Left:
    """Where the checkpoint of a stopped fit is."""

    place: Path | None
    """None where the output is a stream, which has none."""
    refusal: OutputError | None = None
    """Why it is not where it belongs."""


class JobPlaces:
    """Writes what becomes of a job to its places.

    Contents are functions that yield the bytes piece by piece, each time from the start.
    """

    def __init__(self, job: Job, settings: JobSettings, hooks: JobHooks) -> None:
        self._job = job
        self._force = settings.force
        self._hooks = hooks

    def write(self, pieces: Pieces) -> OutputError | None:
        """Write the weights and remove the checkpoint.

        Returns why the weights are not where they belong, with the place that they are in; raises
        OutputError where no place takes them.
        """
        target, refusal = self._job.target, None
        try:
            write_bytes(target, pieces(), force=self._force, on_wait=self._hooks.on_wait)
        except OutputError as error:
            kept = self._kept_elsewhere(target, pieces)
            if kept is None:
                raise
            refusal = OutputError(f"{error}; the finished weights are in {kept}")
        self.remove()
        return refusal

    def leave(self, pieces: Pieces) -> Left:
        """Write the checkpoint of a stopped fit; raises OutputError where no place takes it."""
        place = self._job.checkpoint
        if place is None:
            return Left(None)
        try:
            write_bytes(place, pieces(), force=True)
        except OutputError as error:
            kept = self._kept_elsewhere(place, pieces)
            if kept is None:
                raise
            return Left(kept, error)
        return Left(place)

    def remove(self) -> None:
        """Remove the checkpoint of a fit that is done."""
        if self._job.checkpoint is not None:
            with contextlib.suppress(OSError):
                self._job.checkpoint.unlink()

    def _kept_elsewhere(self, target: str | Path, pieces: Pieces) -> Path | None:
        """Return where else the bytes went that a file would not take, None for a stream."""
        return None if self._job.checkpoint is None else write_elsewhere(target, pieces)
