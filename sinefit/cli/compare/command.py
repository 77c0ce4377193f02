"""`sinefit compare`: networks, initializers and other settings side by side."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sinefit.cli.compare.axes import settings_asked, with_axes
from sinefit.cli.compare.sentences import plan_sentence, rate_sentences
from sinefit.cli.compare.showing import Showing
from sinefit.cli.exit_codes import exit_codes
from sinefit.cli.failures import ExitCode, describe_failure
from sinefit.cli.options import machine, told  # noqa: TC001 (the command line reads it)
from sinefit.cli.options.parsing import parse_seconds
from sinefit.cli.options.settings import settings_from
from sinefit.cli.stopping import StopRequest
from sinefit.cli.terminal.console import printable
from sinefit.cli.terminal.messages import Messages
from sinefit.cli.terminal.streams import read_input
from sinefit.cluster.address import ClusterAddress
from sinefit.errors import SettingError
from sinefit.fitting.budget import LIMITS
from sinefit.fitting.config import TRAINING
from sinefit.fitting.hooks import CHECKPOINT_EVERY
from sinefit.signals.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.comparing.results import Comparison

_RESULTS: Final = "What comes of it"
FOLDER: Final = "comparison"
"""Where cells are kept unless it is said."""


@with_axes
def compare(
    sources: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Images, sounds, videos, .npy.")
    ],
    seeds: Annotated[
        int, typer.Option(metavar="N", help="Fits of each combination, with seeds from 0.")
    ] = 3,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Steps of each fit.", show_default="2000", rich_help_panel=LIMITS
        ),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Or training time of each: 60s.", rich_help_panel=LIMITS),
    ] = None,
    operations: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Or multiplications and additions in the products of each: 1e13; about 6 per "
            "weight, sample and step.",
            rich_help_panel=LIMITS,
        ),
    ] = None,
    equal_rate: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="One learning rate for all, as some papers have it, in place of each network's "
            "usual one.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    output_folder: Annotated[
        str,
        typer.Option(
            "--output-folder",
            "-O",
            metavar="FOLDER",
            help="Keeps weights and a record of every cell: what is there is not fitted again.",
            rich_help_panel=_RESULTS,
        ),
    ] = FOLDER,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A line per cell.", rich_help_panel=_RESULTS),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Contact sheet, a PNG: originals, fields, errors, spectra, details.",
            rich_help_panel=_RESULTS,
        ),
    ] = None,
    curves: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="PSNR over steps, time and operations, .svg, .png or .pdf; needs the extra "
            "'plot'.",
            rich_help_panel=_RESULTS,
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Logs for TensorBoard; needs the extra 'tensorboard'.",
            rich_help_panel=_RESULTS,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", "-f", help="Replace existing files.", rich_help_panel=_RESULTS),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the cells, and fit none.")
    ] = False,
    cluster: Annotated[str | None, machine.cluster_option("Run cells")] = None,
    checkpoint_every: Annotated[
        str, typer.Option(metavar="TIME", help="Time between two checkpoints of a cell.")
    ] = f"{CHECKPOINT_EVERY:g}s",
    as_json: told.AsJson = False,
    quiet: told.Quiet = False,
    verbose: told.Verbose = False,
    progress: told.ProgressOption = "auto",
    **settings: Any,
) -> None:
    """Fit every combination of settings with some seeds at an equal budget, and compare.

    Settings take several values with commas between them: --init siren,lambert --depth 4,10; an
    omega per axis is written 90x60. Fits are one network (--blocks 1) of width 256 unless it is
    said. Stopped or killed, the same command goes on and fits no finished cell again.
    """
    with exit_codes() as streams:
        from sinefit.cluster.connecting import connected
        from sinefit.comparing.budgets import EqualBudget
        from sinefit.comparing.cluster import run_cells_on_cluster
        from sinefit.comparing.combinations import combinations
        from sinefit.comparing.outputs import Outputs
        from sinefit.comparing.running import Reading, plan_cells, run_cells
        from sinefit.comparing.tables import tables

        messages = Messages(streams, quiet=quiet, verbose=verbose, progress=progress)
        if seeds < 1:
            raise SettingError(f"--seeds is {seeds}: it must be at least 1")
        where = None if cluster is None else ClusterAddress.of(cluster)
        asked = settings_asked(settings)
        if equal_rate is not None:
            if "learning_rate" in asked:
                raise SettingError("--lr and --equal-rate exclude each other: give one of them")
            asked["learning_rate"] = equal_rate
        limit = None if max_time is None else parse_seconds("--max-time", max_time)
        budget = EqualBudget(steps, limit, operations)
        outputs = Outputs(csv, sheet, curves, tensorboard, force)
        outputs.check()
        reading = Reading(settings_from(Selection, settings), read=read_input)
        found = combinations(asked)
        cells = plan_cells(list(dict.fromkeys(sources)), found, range(seeds), budget, reading)
        if dry_run:
            for cell in cells:
                streams.write_line(printable(f"{cell.file}: {cell.label} -> {cell.name}"))
            return
        messages.say(plan_sentence(cells, found, seeds, budget))
        every = parse_seconds("--checkpoint-every", checkpoint_every)
        with contextlib.ExitStack() as held:
            stop = held.enter_context(StopRequest())
            run: Callable[..., Comparison] = run_cells
            if where is not None:
                run = partial(run_cells_on_cluster, held.enter_context(connected(where)))
            showing = held.enter_context(Showing(messages, stop.requested))
            if where is not None:
                run = partial(run, on_cluster=showing.on_cluster)
            comparison = run(
                cells,
                budget,
                Path(output_folder),
                reading,
                showing.hooks,
                checkpoint_every=every,
            )
        if not comparison.is_whole:
            messages.always(
                f"stopped after {len(comparison.cells)} of {comparison.planned} cells; the same "
                "command goes on"
            )
            raise typer.Exit(stop.exit_code)
        for sentence in rate_sentences(comparison, equal_rate, is_given="learning_rate" in asked):
            messages.say(sentence)
        for place in outputs.write(comparison, cells, reading):
            messages.say(f"{place}: written")
        if as_json:
            from sinefit.comparing.values import comparison_values

            streams.write_json(comparison_values(comparison))
        else:
            for table in tables(comparison):
                for line in table.lines():
                    streams.write_line(printable(line))
        _tell_failures(comparison, messages)


def _tell_failures(comparison: Comparison, messages: Messages) -> None:
    """List the cells that failed; if any did, that is the exit status."""
    if not comparison.failures:
        return
    messages.always(f"{len(comparison.failures)} of {comparison.planned} cells failed:")
    for one in comparison.failures:
        failure = describe_failure(one.error)
        if failure is None:
            raise one.error
        messages.always(f"  {one.file}: {one.label}: {failure[0]}")
    raise typer.Exit(ExitCode.BATCH)
