"""What machines are told of a fit, while it runs and in its end."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sinefit.fitting.report import FitReport, Progress
    from sinefit.jobs.job import Job


def progress_values(progress: Progress, job: Job) -> dict[str, Any]:
    """Return the event that tells how far a fit is."""
    values = dataclasses.asdict(progress)
    return {"event": "progress", "file": job.source, **values, "remaining": progress.remaining}


def fit_values(report: FitReport, job: Job) -> dict[str, Any]:
    """Return what `--json` prints of a finished fit."""
    values = dataclasses.asdict(report.record)
    values.update(
        file=job.source,
        seconds=report.seconds,
        samples_per_second=report.samples_per_second,
        device=report.device,
        ended_by=report.ended_by,
        peak_step=report.peak_step,
        **job.names,
        dtype=report.dtype,
        network=report.network,
    )
    return values
