"""Options of several commands about the machine at hand."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from sinefit.cli.options.settings import OFFERED, option_of

_SETTINGS: Final = {each.name: each for each in OFFERED}


def cluster_option(doing: str, **others: Any) -> Any:
    """Return the option that has a command do something on workers."""
    return typer.Option(
        metavar="WHERE",
        help=f"{doing} on workers of Dask: local, local:4, slurm:20 or tcp://scheduler:8786; needs "
        "the extra 'cluster'.",
        **others,
    )


Device = Annotated[str, option_of(_SETTINGS["device"])]
Threads = Annotated[int | None, option_of(_SETTINGS["threads"])]
