"""Fits of a few hundred steps, and signals that reach them at a known step."""

from __future__ import annotations

import contextlib
import shlex
import signal
from typing import TYPE_CHECKING

from sinefit.cli.terminal.progress import ProgressDisplay

from .making import invoke

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest
    from typer.testing import Result

    from sinefit.fitting.report import Progress

STEPS = ("--steps", "170")
NETWORK = ("--width", "16", "--depth", "2", "--batch", "50", "--threads", "1")
"""Batches that do not divide the samples, so that epochs leave a rest."""
BRIEF = (*STEPS, *NETWORK)
"""Options of a fit that reports at the steps 50, 100 and 150, and once measures."""


@contextlib.contextmanager
def at_report(
    monkeypatch: pytest.MonkeyPatch, number: int, action: Callable[[], object]
) -> Iterator[None]:
    """Do something when a fit in this process makes its report of this number, from 1."""
    seen = 0
    show = ProgressDisplay.show_fit

    def show_fit(display: ProgressDisplay, progress: Progress) -> None:
        nonlocal seen
        show(display, progress)
        seen += 1
        if seen == number:
            action()

    with monkeypatch.context() as patch:
        patch.setattr(ProgressDisplay, "show_fit", show_fit)
        yield


def stop_at(
    monkeypatch: pytest.MonkeyPatch,
    report: int,
    *arguments: object,
    number: signal.Signals = signal.SIGINT,
    stdin: bytes | None = None,
) -> Result:
    """Run a fit in this process which gets a signal at one of its reports."""
    with at_report(monkeypatch, report, lambda: signal.raise_signal(number)):
        return invoke("fit", *arguments, stdin=stdin)


def command_in(result: Result) -> list[str]:
    """Return the arguments of the command that a stopped fit says to go on with."""
    (line,) = [line for line in result.stderr.splitlines() if "go on with: " in line]
    program, *arguments = shlex.split(line.partition("go on with: ")[2])
    assert program == "sinefit"
    return arguments


def names(folder: Path) -> list[str]:
    """Return what lies in a folder and below, hidden files too, in order of name."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
