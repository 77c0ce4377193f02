"""The options of `sinefit fit` that are no settings of a fit, in the order of its help."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from sinefit.cli.fit.config_file import use_config_file
from sinefit.cli.fit.preview import complete_preview
from sinefit.cli.options.completion import complete_format
from sinefit.cli.options.machine import cluster_option
from sinefit.cli.options.told import TOLD
from sinefit.fitting.config import NETWORK, STORED
from sinefit.signals.selection import PART

_BATCH = "Many files"
_RESUME = "Stop and go on"
_ELSEWHERE = "Options from elsewhere"


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
        help="Weights file, - for a pipe.",
        show_default="FILE's name with .safetensors",
    ),
]
Force = Annotated[bool, typer.Option("--force", "-f", help="Replace an existing weights file.")]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print a JSON object per file.",
    ),
]
SigmaA = Annotated[
    float | None,
    typer.Option(metavar="X", help="Short for --init lambert:sigma_a=...", rich_help_panel=NETWORK),
]
Alpha = Annotated[
    float | None,
    typer.Option(metavar="X", help="Short for --init ws:alpha=...", rich_help_panel=NETWORK),
]
StartFrom = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="WEIGHTS",
        help="Go on from the weights of an earlier fit, with its network and initializer.",
        rich_help_panel=NETWORK,
    ),
]
Kind = Annotated[
    Literal["image", "audio", "video", "array"] | None,
    typer.Option(
        metavar="KIND",
        help="Read FILE as image, audio, video or array; audio takes the sound of a video.",
        show_default="by its content",
        rich_help_panel=PART,
    ),
]
InputFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="FILE's format.",
        autocompletion=complete_format,
        show_default="by its content",
        rich_help_panel=PART,
    ),
]
MaxPixels = Annotated[
    int,
    typer.Option(
        metavar="N", help="Refuse images and video frames of more pixels.", rich_help_panel=PART
    ),
]
MaxBytes = Annotated[
    int,
    typer.Option(metavar="N", help="Refuse what takes more bytes decoded.", rich_help_panel=PART),
]
Preview = Annotated[
    str | None,
    typer.Option(
        metavar="WHERE",
        help="Show the field while it is fitted: terminal, or a FILE.png that is rewritten.",
        autocompletion=complete_preview,
        rich_help_panel=TOLD,
    ),
]
Sound = Annotated[
    bool,
    typer.Option(help="Keep a video's sound track in the file.", rich_help_panel=STORED),
]
OutputFolder = Annotated[
    str | None,
    typer.Option(
        "--output-folder",
        "-O",
        metavar="FOLDER",
        help="Write all weights files here.",
        rich_help_panel=_BATCH,
    ),
]
Recursive = Annotated[
    bool,
    typer.Option("--recursive", "-r", help="Look into folders.", rich_help_panel=_BATCH),
]
SkipExisting = Annotated[
    bool,
    typer.Option("--skip-existing", help="Leave out what has its output.", rich_help_panel=_BATCH),
]
Together = Annotated[
    bool,
    typer.Option(
        "--together",
        help="Fit small signals of one kind all at once.",
        rich_help_panel=_BATCH,
    ),
]
Stack = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Fit them together and write all fields into this one file, a tensor per parameter.",
        rich_help_panel=_BATCH,
    ),
]
Shard = Annotated[
    str | None,
    typer.Option(
        metavar="K/N",
        help="Fit the K-th of N equal parts of the files: for array jobs, 3/16.",
        rich_help_panel=_BATCH,
    ),
]
Cluster = Annotated[str | None, cluster_option("Fit", rich_help_panel=_BATCH)]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="List what would be done.", rich_help_panel=_BATCH),
]
Log = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Append a JSON line per report to this file.", rich_help_panel=_BATCH
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="CHECKPOINT",
        help="Go on with a stopped fit; FILE need not be named.",
        rich_help_panel=_RESUME,
    ),
]
CheckpointEvery = Annotated[
    str, typer.Option(metavar="TIME", help="Time between checkpoints.", rich_help_panel=_RESUME)
]
ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config",
        callback=use_config_file,
        is_eager=True,
        metavar="FILE",
        rich_help_panel=_ELSEWHERE,
        help="TOML file of options, below flags and SINEFIT_FIT_* variables.",
    ),
]
ShowConfig = Annotated[
    bool,
    typer.Option(
        "--show-config",
        rich_help_panel=_ELSEWHERE,
        help="Print the options in effect as TOML, and stop.",
    ),
]
