"""The command `sinefit` and its subcommands."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import Annotated

import typer

from sinefit.cli.commands import CommandGroup
from sinefit.cli.environment import prepare_environment
from sinefit.cli.exit_codes import exit_codes, outermost, show_tracebacks
from sinefit.cli.help_text import FIRST_EXAMPLES, example_lines, exit_status_lines
from sinefit.cli.variables import PREFIX
from sinefit.version import __version__

_SENTENCE = "Fit an image, a sound, a video or an array with a sine network; render it at any size."

app = typer.Typer(
    name="sinefit",
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["--help", "-h"],
        # Every option has a variable: SINEFIT_FIT_MAX_TIME, SINEFIT_RENDER_SCALE.
        "auto_envvar_prefix": PREFIX,
    },
    epilog=exit_status_lines(),
)


def _show_version(wanted: bool) -> None:
    if wanted:
        with exit_codes() as streams:
            streams.write_line(f"sinefit {__version__}")
            raise typer.Exit


@app.callback(help=f"{_SENTENCE}\n\n{example_lines(FIRST_EXAMPLES)}")
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
    show_tracebacks(wanted=debug)


def main() -> None:
    """Run the command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Formulas and file names go out even where the encoding has no such letters.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with outermost():
            prepare_environment(os.environ)
            app()
    finally:
        # All is said and kept: another Ctrl-C must not make libraries complain as they are left.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
