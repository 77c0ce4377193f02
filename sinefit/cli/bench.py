"""`sinefit bench`: what this machine does in a second, and the textbook method beside it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.failures import ExitCode
from sinefit.cli.flags import with_flags
from sinefit.cli.options import machine, told  # noqa: TC001 (the command line reads it)
from sinefit.cli.options.parsing import parse_seconds
from sinefit.cli.terminal.console import printable
from sinefit.cli.terminal.messages import Messages
from sinefit.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.benchmark.settings import BenchSettings
    from sinefit.benchmark.suite import Benchmark


def bench(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Files to fit; without any, a drawn picture."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Half a minute, for a first look.")
    ] = False,
    max_time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Training per file: 60s.", show_default="60s, quick 5s"),
    ] = None,
    device: machine.Device = "auto",
    as_json: told.AsJson = False,
    quiet: told.Quiet = False,
) -> None:
    """Measure training, fits and rendering on this machine beside the textbook method.

    The textbook method is the training step of the SIREN paper in plain PyTorch. Pace, race and
    render are about the first picture, reduced; each file is fitted at full size.
    """
    with exit_codes() as streams:
        messages = Messages(streams, quiet=quiet)
        run_and_tell(
            files or [],
            lengths_for(quick=quick, max_time=max_time),
            device,
            messages,
            quick=quick,
            as_json=as_json,
        )


def lengths_for(*, quick: bool, max_time: str | None) -> BenchSettings:
    """Return how long the parts of a benchmark take."""
    from sinefit.benchmark.settings import QUICK, STANDARD

    settings = QUICK if quick else STANDARD
    if max_time is None:
        return settings
    seconds = parse_seconds("--max-time", max_time)
    if seconds <= 0:
        raise SettingError(f"--max-time is {max_time}: it must be more than 0 seconds")
    return replace(settings, fit_seconds=seconds)


def run_and_tell(
    files: list[str],
    settings: BenchSettings,
    device: str,
    messages: Messages,
    *,
    quick: bool = False,
    as_json: bool = False,
    run: Callable[..., Benchmark] | None = None,
) -> None:
    """Measure, with `run_benchmark` unless another `run` is given, and print the figures."""
    from sinefit.benchmark.suite import run_benchmark
    from sinefit.benchmark.tables import figures_of, table_lines

    benchmark = (run or run_benchmark)(
        files,
        settings,
        device=device,
        command=(sys.executable, "-m", "sinefit"),
        tell=messages.say,
    )
    failures = tuple((file, with_flags(error)) for file, error in benchmark.failures)
    benchmark = replace(benchmark, failures=failures)
    if as_json:
        messages.streams.write_json({"quick": quick, **figures_of(benchmark)})
    else:
        for line in table_lines(benchmark):
            messages.streams.write_line(printable(line))
    for file, error in benchmark.failures:
        messages.always(f"{file} could not be fitted: {error}")
    if benchmark.failures:
        raise typer.Exit(ExitCode.BATCH)
