from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
import torch
import typer

from sinefit.cli.exit_codes import exit_codes, show_tracebacks
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


def outcome(error: BaseException) -> int:
    with pytest.raises(typer.Exit) as stop, exit_codes():
        raise error
    return int(stop.value.exit_code)


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
def test_errors_become_a_line_and_a_status(
    error: SinefitError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(error) == code
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "sinefit: error: so\n")


def test_a_fit_that_diverged_is_a_failure(result: FitResult) -> None:
    assert outcome(FitDivergedError("diverged", result)) == 1


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("4 TiB wanted"),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(error) == 4
    assert capsys.readouterr().err.startswith("sinefit: error: out of memory")


def test_no_memory_for_a_network_so_wide() -> None:
    with pytest.raises(typer.Exit) as stop, exit_codes():
        torch.empty(2**50)
    assert stop.value.exit_code == 4


@pytest.mark.parametrize("error", [RuntimeError("a bug"), ValueError("a bug"), SystemExit(7)])
def test_bugs_show_where_they_are_when_asked(error: BaseException) -> None:
    show_tracebacks(wanted=True)
    try:
        with pytest.raises(type(error)) as raised, exit_codes():
            raise error
    finally:
        show_tracebacks(wanted=False)
    assert raised.value is error


def test_bugs_are_one_line_that_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(ValueError("a\nbug")) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "unexpected ValueError: a bug" in line
    assert "--debug" in line


def test_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    assert outcome(KeyboardInterrupt()) == 130
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_batch_system_unwinds_the_command(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    steps = []

    def work() -> None:
        try:
            os.kill(os.getpid(), number)
        finally:
            steps.append("cleaned up")

    with pytest.raises(typer.Exit) as stop, exit_codes():
        work()
    assert stop.value.exit_code == 143
    assert steps == ["cleaned up"]
    assert signal.getsignal(number) is before


def test_a_reader_that_has_gone(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stream:  # noqa: PTH123 - a number, not a path
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(typer.Exit) as stop, exit_codes():
            print("x", flush=True)  # noqa: T201
        # What Python still holds goes nowhere, without another error at its exit.
        stream.write("y")
        stream.flush()
    assert stop.value.exit_code == 141
    assert capfd.readouterr().err == ""


def test_nothing_happens_to_a_command_that_ends_well() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with exit_codes():
        pass
    assert signal.getsignal(signal.SIGTERM) is before
