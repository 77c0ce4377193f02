"""What a caller wants to hear of a job, and how its input is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinefit.signals.reading import read_signal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sinefit.errors import OutputError
    from sinefit.fitting.checkpoint import Checkpoint
    from sinefit.jobs.job import Job
    from sinefit.signals.signal import Signal


def _nothing(*_: object) -> None:
    """Hear what a caller need not."""


@dataclass(frozen=True)
class JobHooks:
    """What a caller wants to hear of a job, and how its input is read."""

    on_notice: Callable[[str], None] = _nothing
    """Called with a sentence about something lost or changed."""
    on_checkpoint: Callable[[Path, Checkpoint, int], None] = _nothing
    """Called with the place of a checkpoint that was written, what it holds and its bytes."""
    on_no_checkpoint: Callable[[OutputError], None] = _nothing
    """Called once for a fit that goes on without, as its checkpoints cannot be written."""
    on_removed: Callable[[Job, Path], None] = _nothing
    """Called with a checkpoint that was removed, since the job's output is finished."""
    on_wait: Callable[[], None] = _nothing
    """Called while the reader of a pipe keeps the weights waiting, which it ends by raising."""
    read: Callable[..., Signal] = read_signal
    """Reads an input by its name, with the options of `read_signal`."""
