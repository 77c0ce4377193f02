"""Options of several commands about what is told, and to whom."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from sinefit.cli.terminal.messages import PROGRESS_HELP, ProgressMode

TOLD: Final = "What is told"

AsJson = Annotated[bool, typer.Option("--json", help="Print one object.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Say nothing but errors.", rich_help_panel=TOLD)
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Say more: what was recognised, the network, what it is computed with.",
        rich_help_panel=TOLD,
    ),
]
ProgressOption = Annotated[
    ProgressMode,
    typer.Option("--progress", help=PROGRESS_HELP, rich_help_panel=TOLD),
]
