"""Failures of tasks, which go to the client as what they return."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, TypeVar

from sinefit.jobs.outcome import is_failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.cluster.worker import TaskContext

    Argument = TypeVar("Argument")
    Found = TypeVar("Found")


def returns_failures(
    task: Callable[[Argument, TaskContext], Found],
) -> Callable[[Argument, TaskContext], Found | Exception]:
    """Have a task return the errors that a person can do something about; others are raised."""

    @functools.wraps(task)
    def run(argument: Argument, context: TaskContext) -> Found | Exception:
        try:
            return task(argument, context)
        except Exception as error:
            if not is_failure(error):
                raise
            return error

    return run
