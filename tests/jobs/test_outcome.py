"""Which errors are an outcome, and which are a bug."""

from __future__ import annotations

import errno
from typing import NoReturn

import pytest
import torch

from sinefit.errors import InputError
from sinefit.jobs.job import Job
from sinefit.jobs.outcome import outcome_of

JOB = Job("photo.png", "photo.safetensors")


def failing(error: Exception) -> NoReturn:
    raise error


@pytest.mark.parametrize(
    "error",
    [
        InputError("photo.png: damaged"),
        OSError(errno.ENOSPC, "No space left on device"),
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_person_can_do_something_about_is_an_outcome(error: Exception) -> None:
    found = outcome_of(JOB, lambda: failing(error))
    assert (found.source, found.target) == ("photo.png", "photo.safetensors")
    assert (found.result, found.error, found.is_stopped) == (None, error, False)


@pytest.mark.parametrize("error", [KeyError("width"), RuntimeError("shapes differ")])
def test_a_bug_is_none(error: Exception) -> None:
    with pytest.raises(type(error)):
        outcome_of(JOB, lambda: failing(error))
