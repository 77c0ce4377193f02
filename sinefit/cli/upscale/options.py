"""The options of `sinefit upscale` that neither a fit nor a render has, or not so."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

import typer

from sinefit.cli.options.settings import OFFERED

_GRID = "The new grid"

SCALE: Final = "2"
"""The factor where nothing is said of the new grid."""

Sources = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILE...", help="Images, sounds, videos, .npy; - for a pipe."),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Output file, - for a pipe.",
        show_default="FILE's name with the factor: photo-2x.png",
    ),
]
OutputFolder = Annotated[
    str | None,
    typer.Option(
        "--output-folder",
        "-O",
        metavar="FOLDER",
        help="Write all outputs here.",
        rich_help_panel="Many files",
    ),
]
Scale = Annotated[
    str | None,
    typer.Option(
        metavar="FACTOR",
        help="Factor on the size (for a sound, on its rate), or width and height: 2x3.",
        show_default=SCALE,
        rich_help_panel=_GRID,
    ),
]
KeepWeights = Annotated[
    bool,
    typer.Option(
        "--keep-weights",
        help="Keep the weights file, beside the output: photo-2x.safetensors.",
    ),
]

SETTINGS: Final = tuple(
    replace(each, default="upscale") if each.name == "recipe" else each for each in OFFERED
)
"""The settings of the fit, which is for what lies between the samples unless told."""
