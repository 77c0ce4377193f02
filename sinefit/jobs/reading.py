"""Reading what a job fits."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from sinefit.errors import InputError

if TYPE_CHECKING:
    from sinefit.jobs.hooks import JobHooks
    from sinefit.jobs.job import Job
    from sinefit.jobs.settings import JobSettings
    from sinefit.signals.signal import Signal


def read_input(job: Job, settings: JobSettings, hooks: JobHooks) -> Signal:
    """Read what is fitted; raises InputError for what cannot be read or has no samples."""
    signal = hooks.read(
        job.source,
        kind=settings.kind,
        format=settings.input_format,
        selection=settings.selection,
        limits=settings.limits,
    )
    if signal.spec.sample_count == 0:
        raise InputError(f"{job.source}: it has no samples, so there is nothing to fit")
    if not settings.sound:
        spec = dataclasses.replace(signal.spec, soundtrack=None)
        signal = dataclasses.replace(signal, spec=spec)
    return signal
