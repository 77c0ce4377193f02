"""Whether Triton can be used on a device, and if not, why."""

from __future__ import annotations

import functools
import importlib.util
from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.engines.adam import Update
    from sinefit.engines.stages import Stages
    from sinefit.networks.size import NetworkSize

LONGEST_REASON: Final = 200
"""Characters of an error's first sentence that are told."""


def failure_of(work: Callable[[], None]) -> str | None:
    """Do some work; return why it failed in a line, None where it did not.

    Lack of memory is no failure of the kind that is asked about: it is raised.
    """
    try:
        work()
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        # Triton needs a C compiler, a driver and a device that it knows, and fails in ways of its
        # own without each.
        told = " ".join(str(error).split())[:LONGEST_REASON]
        return f"{type(error).__name__}: {told}" if told else type(error).__name__
    return None


def triton_missing(device: torch.device) -> str | None:
    """Return why Triton cannot even be tried on a device, None where it can."""
    if device.type != "cuda":
        return "it makes kernels for CUDA devices only"
    if not torch.cuda.is_available():
        return "there is no CUDA device"
    if importlib.util.find_spec("triton") is None:
        return "it is not installed"
    return None


@functools.cache
def stages_failure(
    size: NetworkSize, piece: int, device: torch.device, operands: torch.dtype
) -> str | None:
    """Return why Triton's stages cannot serve for a network, None where they can; tried once.

    Every kernel is made and run as the training step is going to, and looked at.
    """
    missing = triton_missing(device)
    if missing is not None:
        return missing

    def attempt() -> None:
        from sinefit.engines import triton_stages

        triton_stages.attempt(size, piece, device, operands)

    return failure_of(attempt)


def stages_for(
    size: NetworkSize, piece: int, device: torch.device, operands: torch.dtype
) -> Stages | None:
    """Return stages of single kernels for parts of so many samples, None where there are none."""
    if stages_failure(size, piece, device, operands) is not None:
        return None
    from sinefit.engines import triton_stages

    return triton_stages.TritonStages(size, piece, device)


@functools.cache
def update_failure(device: torch.device) -> str | None:
    """Return why Triton's update of weights cannot be used on a device, None where it can."""
    missing = triton_missing(device)
    if missing is not None:
        return missing

    def attempt() -> None:
        from sinefit.engines import triton_stages

        triton_stages.attempt_adam(device)

    return failure_of(attempt)


def triton_update(device: torch.device) -> Update | None:
    """Return Adam's step as one kernel, None where Triton does not work."""
    if update_failure(device) is not None:
        return None
    from sinefit.engines import triton_stages

    update: Update = triton_stages.adam
    return update
