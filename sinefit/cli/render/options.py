"""The options of `sinefit render`, in the order of its help."""

from __future__ import annotations

from typing import Annotated

import typer

from sinefit.cli.options.completion import complete_footprint, complete_format, complete_quantity
from sinefit.cli.options.machine import cluster_option

_GRID = "The new grid"
_ENCODING = "Encoding"

Weights = Annotated[
    str | None,
    typer.Argument(
        metavar="WEIGHTS",
        help="A weights file, - for a pipe.",
        show_default="what is piped in, else the newest weights file of this folder",
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Output file, - for a pipe.",
        show_default="beside WEIGHTS: photo-4x.png",
    ),
]
Name = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Which field of a stack."),
]
OutputFolder = Annotated[
    str | None,
    typer.Option(
        "--output-folder",
        "-O",
        metavar="FOLDER",
        help="Write here: all fields of a stack, or the one.",
    ),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace an existing output.")]
Cluster = Annotated[str | None, cluster_option("Render bands")]
What = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="The field's value, or of its derivatives gradient, magnitude, direction, laplacian, "
        "divergence or time-derivative; as .npy their plain numbers.",
        autocompletion=complete_quantity,
    ),
]
Scale = Annotated[
    str | None,
    typer.Option(
        metavar="FACTOR",
        help="Factor on the size (for a sound, on its rate), or width and height: 2x3.",
        rich_help_panel=_GRID,
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        metavar="WxH",
        help="Size in pixels: 3000x2000; 3000x keeps the shape.",
        rich_help_panel=_GRID,
    ),
]
Rate = Annotated[
    str | None,
    typer.Option(metavar="HZ", help="Samples per second of a sound.", rich_help_panel=_GRID),
]
Fps = Annotated[
    str | None,
    typer.Option(
        metavar="FPS",
        help="Frames per second of a video, 60 or 30000/1001.",
        rich_help_panel=_GRID,
    ),
]
Region = Annotated[
    str | None,
    typer.Option(
        metavar="X,Y,W,H",
        help="Part of an image or video: X,Y,W,H in pixels of the original.",
        rich_help_panel=_GRID,
    ),
]
FootprintOption = Annotated[
    str | None,
    typer.Option(
        "--footprint",
        metavar="NAME",
        help="What a sample is: the value at a point, or the mean over a box or a gaussian, or a "
        "band-limited one.",
        autocompletion=complete_footprint,
        show_default="means on coarser grids, points on finer ones",
        rich_help_panel=_GRID,
    ),
]
Start = Annotated[
    str,
    typer.Option(
        metavar="TIME", help="Skip this much of a sound or video: 1.5s.", rich_help_panel=_GRID
    ),
]
Length = Annotated[
    str | None,
    typer.Option(
        "--duration",
        metavar="TIME",
        help="Render this much of a sound or video.",
        rich_help_panel=_GRID,
    ),
]
OutputFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="Output format.",
        autocompletion=complete_format,
        show_default="by the output's name, else the original's",
        rich_help_panel=_ENCODING,
    ),
]
BitDepth = Annotated[
    int | None,
    typer.Option(
        metavar="BITS",
        help="Bits per value.",
        show_default="the original's",
        rich_help_panel=_ENCODING,
    ),
]
Quality = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=100,
        metavar="N",
        help="0 to 100, for lossy formats.",
        rich_help_panel=_ENCODING,
    ),
]
