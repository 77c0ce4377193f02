"""Checkpoints of fits that are done: what a process leaves that is killed while it cleans up."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from sinefit.errors import InputError
from sinefit.fields.metadata import read_file_header

if TYPE_CHECKING:
    from sinefit.fields.metadata import WeightsHeader
    from sinefit.jobs.job import Job


def remove_finished_checkpoint(job: Job) -> Path | None:
    """Remove a job's checkpoint if its output is the finished field of the same fit.

    It is so if the output was written after the checkpoint, after at least as many steps on the
    same signal with the same settings. Anything else is left alone. Returns what was removed.
    """
    path = job.checkpoint
    if path is None or not path.is_file():
        return None
    with contextlib.suppress(OSError, InputError):
        target = Path(job.target)
        if target.stat().st_mtime_ns < path.stat().st_mtime_ns:
            return None
        done, begun = read_file_header(target), read_file_header(path)
        if done.checkpoint is None and begun.checkpoint is not None and _is_same(done, begun):
            path.unlink()
            return path
    return None


def _is_same(done: WeightsHeader, begun: WeightsHeader) -> bool:
    """Tell whether two headers are of one fit, the first not behind the second."""
    record = dataclasses.replace(
        done.record,
        steps=begun.record.steps,
        psnr=begun.record.psnr,
        psnr_float=begun.record.psnr_float,
        snr=begun.record.snr,
        psnr_samples=begun.record.psnr_samples,
    )
    return (done.size, done.blocks, done.spec, record) == (
        begun.size,
        begun.blocks,
        begun.spec,
        begun.record,
    ) and done.record.steps >= begun.record.steps
