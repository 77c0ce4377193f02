"""The options of `sinefit fit`, in the order of its help."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from sinefit.cli.completion import (
    complete_device,
    complete_format,
    complete_init,
    complete_preview,
)
from sinefit.cli.options import TOLD
from sinefit.cli.settings import use_config_file
from sinefit.fitting.defaults import DEFAULT_INITIALIZER

_BUDGET = "When to stop"
_HOW = "The network and its start"
_WHAT = "What to fit"
_TRAINING = "Training"
_OUTPUT = "Output"
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
        envvar="SINEFIT_FIT_JSON",
        help="Print a JSON object per file.",
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Optimiser steps.", show_default="by the signal", rich_help_panel=_BUDGET
    ),
]
MaxTime = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="Time since the first step: 90s, 5m.", rich_help_panel=_BUDGET
    ),
]
TargetPsnr = Annotated[
    float | None, typer.Option(metavar="DB", help="Quality in dB.", rich_help_panel=_BUDGET)
]
Init = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Initializer, with parameters: lambert:sigma_a=1. See: sinefit inits.",
        autocompletion=complete_init,
        show_default=DEFAULT_INITIALIZER,
        rich_help_panel=_HOW,
    ),
]
Omega = Annotated[
    str,
    typer.Option(
        metavar="W",
        help="First-layer frequency: auto, or a number, nyquist or 0.5nyquist, one per axis if you "
        "like (images: height,width). For tuner a factor on its band.",
        rich_help_panel=_HOW,
    ),
]
SigmaA = Annotated[
    float | None,
    typer.Option(metavar="X", help="Short for --init lambert:sigma_a=...", rich_help_panel=_HOW),
]
Alpha = Annotated[
    float | None,
    typer.Option(metavar="X", help="Short for --init ws:alpha=...", rich_help_panel=_HOW),
]
Width = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Neurons per layer.", show_default="by the signal", rich_help_panel=_HOW
    ),
]
Depth = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Sine layers; a linear one follows.",
        show_default="4",
        rich_help_panel=_HOW,
    ),
]
StartFrom = Annotated[
    str | None,
    typer.Option(
        "--from",
        envvar="SINEFIT_FIT_FROM",
        metavar="WEIGHTS",
        help="Go on from the weights of an earlier fit, with its network and initializer.",
        rich_help_panel=_HOW,
    ),
]
Kind = Annotated[
    Literal["image", "audio", "video", "array"] | None,
    typer.Option(
        metavar="KIND",
        help="Read FILE as image, audio, video or array; audio takes the sound of a video.",
        show_default="by its content",
        rich_help_panel=_WHAT,
    ),
]
InputFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        envvar="SINEFIT_FIT_FORMAT",
        metavar="NAME",
        help="FILE's format.",
        autocompletion=complete_format,
        show_default="by its content",
        rich_help_panel=_WHAT,
    ),
]
Start = Annotated[
    str,
    typer.Option(
        metavar="TIME", help="Skip this much of a sound or video: 1.5s.", rich_help_panel=_WHAT
    ),
]
Length = Annotated[
    str | None,
    typer.Option(
        "--duration",
        envvar="SINEFIT_FIT_DURATION",
        metavar="TIME",
        help="Keep this much of a sound or video.",
        rich_help_panel=_WHAT,
    ),
]
Region = Annotated[
    str | None,
    typer.Option(
        metavar="X,Y,W,H",
        help="Part of an image or video: X,Y,W,H in pixels.",
        rich_help_panel=_WHAT,
    ),
]
Downsample = Annotated[
    int,
    typer.Option(
        metavar="N", help="Average N by N pixels of an image or video.", rich_help_panel=_WHAT
    ),
]
ChannelsLast = Annotated[
    bool,
    typer.Option(
        "--channels-last",
        help="The last axis of an array holds channels.",
        rich_help_panel=_WHAT,
    ),
]
Domain = Annotated[
    Literal["grid", "sphere"],
    typer.Option(
        metavar="DOMAIN",
        help="grid, or sphere: an array's axes are latitude, longitude.",
        rich_help_panel=_WHAT,
    ),
]
MaxPixels = Annotated[
    int,
    typer.Option(
        metavar="N", help="Refuse images and video frames of more pixels.", rich_help_panel=_WHAT
    ),
]
MaxBytes = Annotated[
    int,
    typer.Option(metavar="N", help="Refuse what takes more bytes decoded.", rich_help_panel=_WHAT),
]
Seed = Annotated[
    int, typer.Option(metavar="N", help="Seed of all draws.", rich_help_panel=_TRAINING)
]
Device = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="auto, cpu, cuda, cuda:1 or mps.",
        autocompletion=complete_device,
        rich_help_panel=_TRAINING,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="CPU threads.", show_default="one per core", rich_help_panel=_TRAINING
    ),
]
Lr = Annotated[
    float | None,
    typer.Option(
        metavar="RATE",
        help="Adam's learning rate on effective weights, before the initializer's scales.",
        show_default="the initializer's",
        rich_help_panel=_TRAINING,
    ),
]
Batch = Annotated[
    int, typer.Option(metavar="N", help="Samples per step.", rich_help_panel=_TRAINING)
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
Dtype = Annotated[
    Literal["float32", "float16", "bfloat16"],
    typer.Option(
        metavar="TYPE",
        help="Type of the stored weights: float32, float16 or bfloat16.",
        rich_help_panel=_OUTPUT,
    ),
]
Sound = Annotated[
    bool,
    typer.Option(help="Keep a video's sound track in the file.", rich_help_panel=_OUTPUT),
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
        envvar="SINEFIT_FIT_CONFIG",
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
