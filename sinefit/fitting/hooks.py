"""What a caller wants to hear of a running fit, and how it stops one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sinefit.validation import check_callback

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.fields.field import Field
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.fitting.report import Progress

    ProgressCallback = Callable[[Progress], None]
    CheckpointCallback = Callable[[Checkpoint], None]
    FieldCallback = Callable[[Field], None]

CHECKPOINT_EVERY: Final = 60.0
"""Seconds between two checkpoints."""
FIELD_EVERY: Final = 5.0
"""Seconds between two looks at the field of a running fit."""


@dataclass(frozen=True)
class FitHooks:
    """What a caller wants to hear of a running fit, and how it stops one."""

    on_progress: ProgressCallback | None = None
    """Called every few steps, and while the finished field is measured."""
    on_checkpoint: CheckpointCallback | None = None
    """Called every `checkpoint_every` seconds with what the fit can go on from. It is not copied:
    the next steps change it, so that it is to be encoded before the call returns."""
    checkpoint_every: float = CHECKPOINT_EVERY
    should_stop: Callable[[], bool] | None = None
    """Asked several times a second while the fit trains, where True ends it with FitStoppedError,
    and between pieces of the field while it is measured, where it ends it with
    FitNotMeasuredError."""
    on_notice: Callable[[str], None] | None = None
    """Called with a sentence about something that the fit had to change."""
    on_field: FieldCallback | None = None
    """Called every `field_every` seconds, between two steps, with the field as it stands, on the
    CPU. The time that it takes counts neither in the budget nor in the pace."""
    field_every: float = FIELD_EVERY

    def __post_init__(self) -> None:
        for name in ("on_progress", "on_checkpoint", "should_stop", "on_notice", "on_field"):
            check_callback(name, getattr(self, name))
