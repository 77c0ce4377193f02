"""Where a fit's weights and its checkpoints go, and where else if that place does not take them."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from sinefit.errors import OutputError
from sinefit.fields.weights_file import field_pieces
from sinefit.files import write_bytes, write_elsewhere
from sinefit.fitting.checkpoint import checkpoint_pieces
from sinefit.jobs.origin import origin_of
from sinefit.jobs.outcome import Left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.report import FitResult
    from sinefit.jobs.hooks import JobHooks
    from sinefit.jobs.job import Job
    from sinefit.jobs.settings import JobSettings


class JobPlaces:
    """Writes what becomes of a job to its places."""

    def __init__(
        self,
        job: Job,
        settings: JobSettings,
        hooks: JobHooks,
        resume: Checkpoint | None = None,
        *,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare; `resume` is the checkpoint that the job's fit goes on from.

        `origin` is what checkpoints remember of a job whose files lie elsewhere than here.
        """
        self.origin = origin_of(job, settings) if origin is None else dict(origin)
        if resume is not None:
            self.origin["start_from"] = resume.origin.get("start_from")
        self._job = job
        self._force = settings.force
        self._hooks = hooks
        self._has_failed_to_save = False

    def write(self, result: FitResult) -> Left:
        """Write the weights and remove the checkpoint.

        Raises OutputError where no place takes them.
        """
        target, storage = self._job.target, getattr(torch, result.report.dtype)
        left = Left(Path(target))
        try:
            content = field_pieces(result.field, storage)
            write_bytes(target, content, force=self._force, on_wait=self._hooks.on_wait)
        except OutputError as error:
            kept = self._kept_elsewhere(target, lambda: field_pieces(result.field, storage))
            if kept is None:
                raise
            left = Left(kept, OutputError(f"{error}; the finished weights are in {kept}"))
        self.remove()
        return left

    def leave(self, checkpoint: Checkpoint) -> Left:
        """Write the checkpoint of a stopped fit; raises OutputError where no place takes it."""
        place = self._job.checkpoint
        if place is None:
            return Left(None)
        try:
            self._save(place, checkpoint)
        except OutputError as error:
            kept = self._kept_elsewhere(place, lambda: self.pieces(checkpoint))
            if kept is None:
                raise
            return Left(kept, error)
        return Left(place)

    def save_on_the_way(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint on the way; that there is no place for it does not end the fit."""
        place = self._job.checkpoint
        if place is None:
            return
        try:
            self._save(place, checkpoint)
        except OutputError as error:
            if not self._has_failed_to_save:
                self._hooks.on_no_checkpoint(self._job, error)
            self._has_failed_to_save = True

    def pieces(self, checkpoint: Checkpoint) -> Iterator[bytes]:
        """Yield the bytes of a checkpoint's file, which tells the job that it is of."""
        return checkpoint_pieces(dataclasses.replace(checkpoint, origin=self.origin))

    def remove(self) -> None:
        """Remove the checkpoint of a fit that is done."""
        if self._job.checkpoint is not None:
            with contextlib.suppress(OSError):
                self._job.checkpoint.unlink()

    def _save(self, place: Path, checkpoint: Checkpoint) -> None:
        write_bytes(place, self.pieces(checkpoint), force=True)
        self._hooks.on_checkpoint(self._job, place, checkpoint)

    def _kept_elsewhere(
        self, target: str | Path, pieces: Callable[[], Iterable[bytes]]
    ) -> Path | None:
        """Return where else the bytes went that a file would not take, None for a stream."""
        return None if self._job.checkpoint is None else write_elsewhere(target, pieces)
