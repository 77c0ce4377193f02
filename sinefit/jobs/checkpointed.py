"""A fit that keeps a checkpoint beside its output, and may have begun with one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from sinefit.errors import InputError, OutputError
from sinefit.fields.weights_file import field_pieces, read_field
from sinefit.files import write_bytes
from sinefit.fitting.checkpoint import checkpoint_pieces
from sinefit.fitting.loop import make_plan, run_plan
from sinefit.jobs.keeping import JobPlaces
from sinefit.jobs.origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.hooks import FitHooks
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult
    from sinefit.jobs.hooks import JobHooks
    from sinefit.jobs.job import Job
    from sinefit.jobs.keeping import Left
    from sinefit.jobs.settings import JobSettings
    from sinefit.signals.signal import Signal


class CheckpointedFit:
    """A fit that keeps a checkpoint beside its output, and may have begun with one."""

    def __init__(
        self,
        job: Job,
        settings: JobSettings,
        hooks: JobHooks,
        resume: Checkpoint | None = None,
        *,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        """Read the input; `resume` is a checkpoint to go on from.

        `origin` is what checkpoints remember of a job whose files lie elsewhere than here.

        Raises InputError for an input that cannot be read or has no samples.
        """
        self.job = job
        self.resume = resume
        self._settings = settings
        self._hooks = hooks
        self.signal = self._read()
        self._places = JobPlaces(job, settings, hooks)
        self._origin = origin_of(job, settings) if origin is None else dict(origin)
        if resume is not None:
            self._origin["start_from"] = resume.origin.get("start_from")
        self._goes_to_file = job.checkpoint is not None
        self._has_failed_to_save = False

    def start_from(self) -> Field | None:
        """Return the field that the fit begins with, where it begins with one."""
        name = self._settings.start_from
        return None if name is None else read_field(Path(name))

    def plan(self) -> FitPlan:
        """Decide everything about the fit; raises what `make_plan` does."""
        config = self._settings.config
        return make_plan(self.signal, config, start_from=self.start_from(), resume=self.resume)

    def run(self, plan: FitPlan, hooks: FitHooks) -> FitResult:
        """Fit, with checkpoints on the way; raises what `fit_signal` does."""
        hooks = dataclasses.replace(
            hooks,
            on_checkpoint=self.save_on_the_way if self._goes_to_file else None,
            checkpoint_every=self._settings.checkpoint_every,
        )
        return run_plan(self.signal, plan, hooks, self.resume)

    def write(self, result: FitResult) -> OutputError | None:
        """Write the weights and remove the checkpoint, see `JobPlaces.write`."""
        storage = getattr(torch, result.report.dtype)
        return self._places.write(lambda: field_pieces(result.field, storage))

    def leave(self, checkpoint: Checkpoint) -> Left:
        """Keep what a stopped fit has reached; raises OutputError where no place takes it."""
        left = self._places.leave(lambda: self.pieces(checkpoint))
        if left.place is not None and left.refusal is None:
            self._tell(checkpoint)
        return left

    def save_on_the_way(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint on the way; that there is no place for it does not end the fit."""
        try:
            self._save(checkpoint)
        except OutputError as error:
            if not self._has_failed_to_save:
                self._hooks.on_no_checkpoint(error)
            self._has_failed_to_save = True

    def _read(self) -> Signal:
        settings, source = self._settings, self.job.source
        signal = self._hooks.read(
            source,
            kind=settings.kind,
            format=settings.input_format,
            selection=settings.selection,
            limits=settings.limits,
        )
        if signal.spec.sample_count == 0:
            raise InputError(f"{source}: it has no samples, so there is nothing to fit")
        for notice in signal.notices:
            self._hooks.on_notice(notice)
        if not settings.sound:
            spec = dataclasses.replace(signal.spec, soundtrack=None)
            signal = dataclasses.replace(signal, spec=spec)
        return signal

    def pieces(self, checkpoint: Checkpoint) -> Iterator[bytes]:
        """Yield the bytes of a checkpoint's file, which tells the job that it is of."""
        return checkpoint_pieces(dataclasses.replace(checkpoint, origin=self._origin))

    def _save(self, checkpoint: Checkpoint) -> None:
        assert self.job.checkpoint is not None
        write_bytes(self.job.checkpoint, self.pieces(checkpoint), force=True)
        self._tell(checkpoint)

    def _tell(self, checkpoint: Checkpoint) -> None:
        assert self.job.checkpoint is not None
        size = self.job.checkpoint.stat().st_size
        self._hooks.on_checkpoint(self.job.checkpoint, checkpoint, size)
