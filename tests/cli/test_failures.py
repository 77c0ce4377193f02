from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
import torch

from sinefit.cli.failures import ExitCode, describe_failure
from sinefit.errors import (
    DeviceError,
    InputError,
    OutputError,
    OutputExistsError,
    SettingError,
    SinefitError,
)
from sinefit.fitting.report import FitDivergedError

if TYPE_CHECKING:
    from sinefit.fitting.report import FitResult


@pytest.fixture
def result() -> FitResult:
    return None  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SinefitError("so"), 1),
        (SettingError("so"), 2),
        (DeviceError("so"), 2),
        (InputError("so"), 3),
        (OutputError("so"), 5),
        (OutputExistsError("so"), 5),
    ],
)
def test_errors_have_a_line_and_a_status(error: SinefitError, code: int) -> None:
    assert describe_failure(error) == ("so", code)


def test_a_fit_that_diverged_is_a_failure(result: FitResult) -> None:
    assert describe_failure(FitDivergedError("so", result)) == ("so", ExitCode.FAILURE)


def line_without_memory(error: Exception) -> str:
    failure = describe_failure(error)
    assert failure is not None
    line, code = failure
    assert code == ExitCode.MEMORY
    return line


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("4 TiB wanted"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory(error: Exception) -> None:
    assert line_without_memory(error).startswith("out of memory")


def test_no_memory_for_a_network_so_wide() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**50)
    assert line_without_memory(raised.value).startswith("out of memory")


@pytest.mark.parametrize("error", [ValueError("a bug"), FileNotFoundError(2, "No such file")])
def test_nobody_can_do_anything_about_a_bug(error: Exception) -> None:
    assert describe_failure(error) is None
