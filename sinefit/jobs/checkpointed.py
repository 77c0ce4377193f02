"""A fit that keeps a checkpoint beside its output, and may have begun with one."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from sinefit.errors import InputError, OutputError
from sinefit.fields.weights_file import field_pieces, read_field
from sinefit.files import write_bytes, write_elsewhere
from sinefit.fitting.checkpoint import checkpoint_pieces
from sinefit.fitting.loop import make_plan, run_plan
from sinefit.jobs.origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.hooks import FitHooks
    from sinefit.fitting.plan import FitPlan
    from sinefit.fitting.report import FitResult
    from sinefit.jobs.hooks import JobHooks
    from sinefit.jobs.job import Job
    from sinefit.jobs.settings import JobSettings
    from sinefit.signals.signal import Signal


@dataclass(frozen=True)
class Left:
    """Where the checkpoint of a stopped fit is."""

    place: Path | None
    """None where the output is a stream, which has none."""
    refusal: OutputError | None = None
    """Why it is not where it belongs."""


class CheckpointedFit:
    """A fit that keeps a checkpoint beside its output, and may have begun with one."""

    def __init__(
        self, job: Job, settings: JobSettings, hooks: JobHooks, resume: Checkpoint | None = None
    ) -> None:
        """Read the input; `resume` is a checkpoint to go on from.

        Raises InputError for an input that cannot be read or has no samples.
        """
        self.job = job
        self.resume = resume
        self._settings = settings
        self._hooks = hooks
        self.signal = self._read()
        self._origin = origin_of(job, settings)
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
        """Write the weights and remove the checkpoint.

        Returns why the weights are not where they belong, with the place that they are in; raises
        OutputError where no place takes them.
        """
        target = self.job.target
        storage = getattr(torch, result.report.dtype)

        def pieces() -> Iterator[bytes]:
            return field_pieces(result.field, storage)

        refusal = None
        try:
            write_bytes(target, pieces(), force=self._settings.force, on_wait=self._hooks.on_wait)
        except OutputError as error:
            kept = self._kept_elsewhere(target, pieces)
            if kept is None:
                raise
            refusal = OutputError(f"{error}; the finished weights are in {kept}")
        self.remove()
        return refusal

    def leave(self, checkpoint: Checkpoint) -> Left:
        """Keep what a stopped fit has reached; raises OutputError where no place takes it."""
        place = self.job.checkpoint
        if place is None:
            return Left(None)
        try:
            self._save(checkpoint)
        except OutputError as error:
            kept = self._kept_elsewhere(place, lambda: self._pieces(checkpoint))
            if kept is None:
                raise
            return Left(kept, error)
        return Left(place)

    def remove(self) -> None:
        """Remove the checkpoint of a fit that is done."""
        if self.job.checkpoint is not None:
            with contextlib.suppress(OSError):
                self.job.checkpoint.unlink()

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

    def _kept_elsewhere(
        self, target: str | Path, pieces: Callable[[], Iterable[bytes]]
    ) -> Path | None:
        """Return where else the bytes went that a file would not take, None for a stream."""
        return write_elsewhere(target, pieces) if self._goes_to_file else None

    def _pieces(self, checkpoint: Checkpoint) -> Iterator[bytes]:
        return checkpoint_pieces(dataclasses.replace(checkpoint, origin=self._origin))

    def _save(self, checkpoint: Checkpoint) -> None:
        assert self.job.checkpoint is not None
        write_bytes(self.job.checkpoint, self._pieces(checkpoint), force=True)
        size = self.job.checkpoint.stat().st_size
        self._hooks.on_checkpoint(self.job.checkpoint, checkpoint, size)
