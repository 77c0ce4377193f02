"""The command `sinefit` and its subcommands."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from sinefit.cli.evaluate import evaluate
from sinefit.cli.exit_codes import ExitCode, exit_codes, show_tracebacks
from sinefit.cli.fit import fit
from sinefit.cli.info import info
from sinefit.cli.inits import inits
from sinefit.cli.render import render
from sinefit.version import __version__

app = typer.Typer(
    name="sinefit",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["--help", "-h"],
        # Every option has a variable: SINEFIT_FIT_MAX_TIME, SINEFIT_RENDER_SCALE.
        "auto_envvar_prefix": "SINEFIT",
    },
    epilog="Exit status: 0 done, 1 failed (a fit diverged), 2 wrong usage, 3 unreadable or "
    "unsupported input, 4 out of memory, 5 output cannot be written or exists, 6 some of a batch "
    "failed, 130 interrupted, 141 reader of the pipe gone, 143 terminated.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        with exit_codes():
            typer.echo(f"sinefit {__version__}")
            raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # noqa: ARG001 (its callback has printed it)
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            # SINEFIT_VERSION is what scripts call their own variable.
            allow_from_autoenv=False,
            help="Print the version.",
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
    ] = False,
) -> None:
    """Fit an image, a sound, a video or an array with a sine network; render it at any size."""
    show_tracebacks(wanted=debug)


app.command(name="fit")(fit)
app.command(name="render")(render)
app.command(name="info")(info)
app.command(name="eval")(evaluate)
app.command(name="inits")(inits)


def main() -> None:
    """Run the command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Formulas and file names go out even where the encoding has no such letters.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except SystemExit as stop:
        # Both rich and typer leave with 1 when they find the reader of a pipe gone.
        if isinstance(stop.__context__, BrokenPipeError):
            raise SystemExit(ExitCode.PIPE_CLOSED) from None
        raise
