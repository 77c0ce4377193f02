"""Processes forked from one whose threads had begun to compute.

A fork copies the calling thread alone. OpenMP does not notice: in the child its next loop waits for
threads that are not there, for ever.
"""

from __future__ import annotations

import os
from typing import Final

from sinefit.errors import SettingError

_CURE: Final = (
    'start processes with multiprocessing.get_context("spawn"), or keep this one to a single '
    "thread, by `threads` 1 or torch.set_num_threads(1)"
)


class _Threads:
    """What this process knows of its threads."""

    begun = False
    """Several threads have computed, here or before a fork."""
    lost = False
    """They were those of the process that this one was forked from."""


def begin_threads(count: int) -> None:
    """Note that `count` threads of the CPU are going to compute in this process.

    Raises SettingError where they would wait for threads that a fork has left behind.
    """
    if count < 2:
        return
    if _Threads.lost:
        raise SettingError(
            f"this process was forked from one that had computed with several threads: {_CURE}"
        )
    _Threads.begun = True


def _after_fork() -> None:
    _Threads.lost = _Threads.begun


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
