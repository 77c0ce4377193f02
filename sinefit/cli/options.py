"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from sinefit.cli.completion import complete_device
from sinefit.cli.console import PROGRESS_HELP, ProgressMode

TOLD: Final = "What is told"

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
Device = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="auto, cpu, cuda, cuda:1 or mps.",
        autocompletion=complete_device,
    ),
]
Threads = Annotated[
    int | None, typer.Option(metavar="N", help="CPU threads.", show_default="one per core")
]
