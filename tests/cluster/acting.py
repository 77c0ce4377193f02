"""What tasks of tests do on their workers."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinefit.cluster.worker import TaskContext


def double(number: int, _context: TaskContext) -> int:
    return 2 * number


def refuse(text: str, _context: TaskContext) -> None:
    raise ValueError(text)


def die(_argument: object, _context: TaskContext) -> None:
    os._exit(1)


def die_once(place: str, _context: TaskContext) -> int:
    """End the worker the first time; `place` remembers it."""
    path = Path(place)
    if path.exists():
        return os.getpid()
    path.touch()
    os._exit(1)


def wait_for_a_stop(place: str, context: TaskContext) -> str:
    """Run until asked to stop; `place` tells that it has begun."""
    Path(place).touch()
    context.tell({"share": 0.5, "samples_per_second": 1000.0})
    while not context.should_stop():
        time.sleep(0.01)
    return "stopped"
