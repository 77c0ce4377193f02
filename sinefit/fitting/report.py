"""What a fit tells: progress while it runs, a report and a field when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sinefit.errors import SinefitError

if TYPE_CHECKING:
    from sinefit.fields.field import Field
    from sinefit.fields.record import FitRecord
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.config import StorageType


@dataclass(frozen=True)
class Progress:
    """One report from a running fit."""

    phase: Literal["fitting", "measuring"]
    """"measuring" evaluates the finished field on its samples, or on some of very many."""
    step: int
    """Steps taken."""
    share: float | None
    """Share of the phase that is done, 0 to 1; None when only quality ends the fit."""
    seconds: float
    """Seconds since the phase began."""
    psnr: float
    """PSNR in dB over the samples of the latest batches, each taken before its step."""
    samples_per_second: float
    """Samples trained on per second, over the fit so far."""
    blocks: tuple[int, int] | None = None
    """How many blocks have taken the steps of the round under way, of how many; None between two
    rounds."""

    @property
    def remaining(self) -> float | None:
        """Seconds left in this phase at the present pace, or None when that cannot be known."""
        if not self.share:
            return None
        return self.seconds * (1.0 - self.share) / self.share


@dataclass(frozen=True)
class FitReport:
    """The outcome of a fit."""

    record: FitRecord
    seconds: float
    """From the first step to the last, measuring not counted."""
    samples_per_second: float
    device: str
    ended_by: Literal["steps", "time", "quality", "plateau", "holdout", "divergence"]
    """What ended the fit; "plateau": the target quality cannot be reached with these settings;
    "holdout": the samples held out are met worse than before."""
    dtype: StorageType
    """Type in which the weights are to be saved, to which they were rounded to be measured."""
    network: str = "sine"
    """The kind of network with its settings, as `--network` takes it."""
    peak_step: int | None = None
    """Steps up to the weights that are kept, of a fit that ends by samples held out."""


@dataclass(frozen=True)
class FitResult:
    """A fitted field and the report on how it was fitted."""

    field: Field
    report: FitReport


Outcome = FitResult | SinefitError
"""How a fit ended: with its result, or with the error that ended it."""


class FitStoppedError(SinefitError):
    """A fit was asked to stop; `checkpoint` is what it goes on from."""

    def __init__(self, message: str, checkpoint: Checkpoint) -> None:
        super().__init__(message)
        self.checkpoint = checkpoint

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.checkpoint)


class FitNotMeasuredError(SinefitError):
    """A fit was asked to stop while its field was measured; `result` holds the whole field.

    Its PSNR is None.
    """

    def __init__(self, message: str, result: FitResult) -> None:
        super().__init__(message)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.result)


class PartsStoppedError(SinefitError):
    """A fit whose blocks are trained in parts was asked to stop; the parts that are done stay."""


Stopped = FitStoppedError | FitNotMeasuredError | PartsStoppedError
"""How a fit ends that was asked to stop."""


class FitDivergedError(SinefitError):
    """Training diverged; `result` holds the best weights that the fit had seen."""

    def __init__(self, message: str, result: FitResult) -> None:
        super().__init__(message)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.result)


def result_of(outcome: FitResult | Exception | None) -> FitResult | None:
    """Return the result of a fit, of one that diverged that of its best weights, else None."""
    if isinstance(outcome, FitDivergedError | FitNotMeasuredError):
        return outcome.result
    return outcome if isinstance(outcome, FitResult) else None
