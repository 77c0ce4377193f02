"""What became of a job, and which errors are an outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.errors import SinefitError
from sinefit.fitting.report import Stopped, result_of
from sinefit.memory import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sinefit.errors import OutputError
    from sinefit.fitting.report import FitResult
    from sinefit.jobs.job import Job


@dataclass(frozen=True)
class Left:
    """Where it is what a fit leaves: its weights, or the checkpoint of one that was stopped."""

    place: Path | None
    """None for a checkpoint where the output is a stream, which has none."""
    refusal: OutputError | None = None
    """Why it is not where it belongs."""


@dataclass(frozen=True)
class JobOutcome:
    """What became of one file of many."""

    source: str
    """The input's name."""
    target: str
    """The weights file's name."""
    result: FitResult | None = None
    """The field and the report; of a fit that diverged, those of its best weights; None for a file
    that failed before, that was left out as it has its weights, or whose fit was stopped."""
    error: Exception | None = None
    """What failed; None for a file that did not."""

    @property
    def is_stopped(self) -> bool:
        """Whether the fit was asked to stop and did."""
        return isinstance(self.error, Stopped)


def outcome_of(job: Job, fit: Callable[[], FitResult]) -> JobOutcome:
    """Return what becomes of a job whose fit is made by a call, which may fail."""
    try:
        return JobOutcome(job.source, job.shown, fit())
    except Exception as error:
        return failed(job, error)


def failed(job: Job, error: Exception) -> JobOutcome:
    """Return the outcome of a job that an error ended; raises one that is a bug."""
    if not is_failure(error):
        raise error
    return JobOutcome(job.source, job.shown, result_of(error), error)


def is_failure(error: BaseException) -> bool:
    """Tell whether an error is one that a person can do something about."""
    return isinstance(error, SinefitError | OSError) or is_out_of_memory(error)
