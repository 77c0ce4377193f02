"""What every key means that the commands print for machines and that weights files hold."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Final

from sinefit.analyzing.results import (
    Analysis,
    DepthResult,
    FrequencyResult,
    KernelResult,
    LayerResult,
    LineResult,
    MixingResult,
    NetworkResult,
    SchemeMark,
    SingularValues,
    SpectrumResult,
)
from sinefit.comparing.results import FIGURES, CellResult
from sinefit.fields.metadata import (
    BLOCKS_VERSION,
    FORMAT,
    FORMAT_VERSION,
    MAPPED_VERSION,
    STACK_VERSION,
)
from sinefit.fields.record import FitRecord
from sinefit.fields.schema import field_notes
from sinefit.fields.tensors import BYTE_TENSORS
from sinefit.networks.size import NetworkSize
from sinefit.reproducing.study import Claim, Findings
from sinefit.signals.signal import SignalSpec
from sinefit.solving.results import ChannelError, SolveReport
from sinefit.theory.fourier_modes import NearestMode
from sinefit.theory.output_spectra import LayerSpectrum
from sinefit.theory.plane import Plane

Section = dict[str, Mapping[str, str]]

_FIT: Final = {
    "file": "What was fitted, as it was named.",
    "weights": "The weights file.",
    **field_notes(FitRecord),
    "seconds": "Of training, from the first step to the last.",
    "samples_per_second": "Of training.",
    "device": "Where it was trained: cpu, cuda:0, mps.",
    "ended_by": '"steps", "time", "quality", "plateau" (out of reach), "holdout" or "divergence".',
    "peak_step": "Steps up to the weights that are kept, of a fit by --stop-on.",
    "dtype": "Type of the stored weights.",
    "network": "The kind of network with its settings, as --network takes it.",
}
_QUALITY: Final = {
    "psnr": "PSNR in dB, of values rounded to the original's sample type.",
    "psnr_float": "PSNR in dB of values that are not rounded.",
    "psnr_range": "The range that both refer to, in units of the original's values.",
    "ssim": "Structural similarity of images and video, the mean over frames.",
    "snr": "Signal-to-noise ratio of a sound in dB.",
}

OBJECTS: Final[Section] = {
    "fit": _FIT,
    "fit, failed": {
        "file": "What was to be fitted.",
        "error": "The line that tells why not.",
        "exit": "The exit status that stands for it.",
        "and": "All keys of fit for one that diverged, or that was stopped while it was measured.",
    },
    "fit --dry-run": {"file": _FIT["file"], "weights": _FIT["weights"]},
    "upscale": {
        **_FIT,
        "output": "The file that was rendered.",
        "weights": "The weights file, null unless it is kept.",
        "format": "The output's.",
        "render_seconds": "Of rendering.",
    },
    "upscale --dry-run": {"file": _FIT["file"], "output": "The file that would be rendered."},
    "info of a field": {
        "file": "As it was named.",
        "type": '"weights".',
        "bytes": "Size of the file.",
        "source_bytes": "Size of the file that was fitted.",
        "share_of_source": "The first over the second.",
        "bits_per_sample": "Of the weights file, per sample of the signal.",
        "parameters": "How many weights there are, of all blocks.",
        "weights_per_value": "The same per value of the signal, one per sample and channel.",
        "storage": "Their type.",
        "tool_version": "The version of sinefit that wrote the file.",
        "signal": "As in the weights file; of the parts that are bytes, whether they are there.",
        "network": "Of each block, as in the weights file.",
        "blocks": "How the blocks lie; a single one is the whole signal.",
        "count": "How many blocks there are, each with a network of its own.",
        "counts": "How many along each axis.",
        "cell": "Samples along each axis of a block without its margins, of the largest.",
        "margins": "Samples along each axis by which a block reaches into its neighbours.",
        "ensemble": "How many times the blocks cover the signal; the field is the mean.",
        "fit": "As in the weights file.",
    },
    "info of a stack": {
        "file": "As it was named.",
        "type": '"stack".',
        "bytes": "Size of the file.",
        "count": "How many fields there are.",
        "parameters": "How many weights there are, of all fields.",
        "storage": "Their type.",
        "tool_version": "The version of sinefit that wrote the file.",
        "network": "Of each field, as in the weights file.",
        "psnr_mean": "Mean over the fields of their PSNR in dB, null where none was measured.",
        "psnr_lowest": "The lowest of them.",
        "fields": "A list of objects with name, shape and psnr, in the order of the rows.",
        "name": "What render --name takes.",
        "shape": "Samples along each axis of the signal.",
        "psnr": "As in the weights file.",
    },
    "info of a signal": {
        "file": "As it was named.",
        "type": '"signal".',
        "bytes": "Size of the file.",
        "signal": "As in the weights file; of the parts that are bytes, whether they are there.",
        "notices": "What could not be kept of it.",
    },
    "eval": _QUALITY,
    "compare": {
        "budget": "What every fit was allowed to spend, in words.",
        "cells": "A list of objects, one per fit.",
        "rows": "A list of objects, one per combination of settings: means over the seeds.",
        **field_notes(CellResult),
        "seeds": "How many fits a row is of.",
        **{
            f"{name}_spread": "Standard deviation of that over the seeds; null for a single one."
            for name in FIGURES
        },
        "best": "The figures in which no other row of the same file has a higher mean.",
    },
    "analyze": {
        **{
            name: note
            for kind in (
                *(LayerSpectrum, NearestMode, Plane, DepthResult, FrequencyResult, LayerResult),
                *(LineResult, MixingResult, KernelResult, SingularValues, SpectrumResult),
                *(SchemeMark, NetworkResult, Analysis),
            )
            for name, note in field_notes(kind).items()
        },
        "frequency": "In radians per unit of the coordinates.",
        "points": "Of the tangent kernel, along each axis.",
        "layers": "Those of the network, or of its spectra, from the first on.",
        "frequencies": "Middles of the bins of a spectrum; of mixing the first layer's, with "
        "number, bound and amplitude.",
        "nyquist": "Highest frequency of the samples, in radians per unit of a coordinate.",
        "omega": "First-layer frequency factor; of a spectrum that of its axis.",
        "beyond_first": "Share above the first layer's highest frequency, of a layer's "
        "variance along an axis and of eigenvectors on one axis.",
        "share": "Of an eigenvector's energy in the nearest Fourier mode.",
        "amplitude": "Measured, of a frequency after the second sine.",
        "bound": "What an amplitude is never above, see TUNER.",
        "sigma_a": "Standard deviation of pre-activations that deep layers tend to; of the "
        "plane row by row.",
        "sigma_g": "Factor per layer on the standard deviation of Jacobian entries there.",
        "c_w": "√(3 fan_in E[W²]) of weights; of the plane its columns.",
        "c_b": "√E[b²] of biases; of the plane its rows.",
        "weights": "Those of the small neuron of mixing.",
    },
    "reproduce": {
        "studies": "Without a name: a list of objects with the next four keys.",
        "name": "What the command calls it; in rows what was measured.",
        "paper": "Where it was published; in rows the paper's figures for the measures, or null.",
        "shows": "What it is about.",
        "paper_setting": "How the paper ran it.",
        "full": "Whether it was run at the paper's size.",
        "seconds": "That it took.",
        "run": "What came out.",
        **field_notes(Findings),
        "ours": "In rows: a figure for each measure, or null.",
        **field_notes(Claim),
    },
    "solve": {
        "equations": "Without a name: a list of objects with the next keys.",
        "name": "What the command calls it; in terms the residual or a condition.",
        "formula": "The equation, its conditions and its domain.",
        "truth": "What the solution is compared with.",
        "reached": "Relative L2 error that siren reaches, about, where nothing is asked for.",
        "reference": "Where it was published.",
        "parameters": "A list of objects with default, range and help.",
        "default": "Of a parameter: where none is given.",
        "range": "Of a parameter: what is right, in words.",
        "help": "Of a parameter.",
        "weights": "The weights file.",
        "picture": "The picture's file, or null.",
        "value": "Of a term: its weighted mean square.",
        "step": "In history: steps before what was seen.",
        **field_notes(ChannelError),
        **field_notes(SolveReport),
    },
    "inits": {
        "initializers": "A list of objects with the keys below.",
        "name": "What --init takes.",
        "formula": "The drawing of the weights.",
        "parameters": "A list of objects with name, default, range and help.",
        "default": "The value of a parameter that is not given.",
        "range": "What values it can have.",
        "help": "What it does.",
        "advice": "When to choose the scheme.",
        "reference": "Where it was published.",
    },
    "networks": {
        "networks": "A list of objects with the keys below.",
        "name": "What --network takes.",
        "formula": "A layer, and what is around the layers.",
        "start": "How the weights are drawn; null of sine networks, which have initializers.",
        "settings": "A list of objects with name, default, range and help.",
        "default": "The value of a setting that is not given.",
        "range": "What values it can have.",
        "help": "What it does.",
        "learning_rate": "Adam's usual peak rate; null of sine networks.",
        "rate_source": "Where that is from; null as well.",
        "advice": "What it is good for.",
        "reference": "Where it was published.",
    },
}
"""Objects of `--json`, one to a line of standard output; each begins with `json_version`."""

EVENTS: Final[Section] = {
    "start": {
        "file": "What is fitted, rendered or compared.",
        "weights": "The weights file that a fit writes.",
        "output": "The file that a render or an upscale writes; in all events of the render.",
        "format": "The format that a render writes; in all its events.",
        "original": "What a field is compared with; in all events of the comparison.",
    },
    "progress": {
        "file": "As above.",
        "phase": '"fitting", "measuring", "rendering", "comparing" or "solving".',
        "share": "Share of the phase that is done, null where only quality ends a fit.",
        "seconds": "Of the phase so far.",
        "step": "Steps taken by a fit.",
        "psnr": "PSNR in dB of a fit's latest batches.",
        "samples_per_second": "Samples trained on per second by a fit.",
        "blocks": "Blocks of a fit that have taken the steps under way, of how many; or null.",
        "remaining": "Seconds left in the phase of a fit.",
    },
    "end": {
        "file": "As above.",
        "seconds": "Of the render.",
        "device": "Of the render.",
        "and": "Of a fit, an upscale, a comparison and a solve all keys of their objects.",
    },
    "error": {
        "file": "As above.",
        "error": "The line that tells what failed.",
        "exit": "The exit status that stands for it.",
    },
    "message, note": {"message": "What a person would read; on standard error only."},
}
"""Events, one to a line of `--log` or, with `--progress json`, of standard error. Each has
`log_version`, `time` in UTC, `elapsed` seconds of the command, and `event`."""

WEIGHTS_FILE: Final[Section] = {
    "format": {FORMAT: "What tells the file from others of safetensors."},
    "format_version": {
        FORMAT_VERSION: "Of one block. It grows when older versions could not read the file.",
        BLOCKS_VERSION: "Of several blocks, which are the first axis of each parameter.",
        STACK_VERSION: "Of a stack of many fields, which are that axis there.",
        MAPPED_VERSION: "Of unusual coordinates or targets, which files of 1 and 2 do not name.",
    },
    "tool_version": {"": "The version of sinefit that wrote it."},
    "network": {
        "family": 'The kind of network: "sine", or another name of sinefit networks.',
        "settings": "Its settings, an object, of families that have any.",
        **field_notes(NetworkSize),
    },
    "signal": {
        name: note for name, note in field_notes(SignalSpec).items() if name not in BYTE_TENSORS
    },
    "fit": field_notes(FitRecord),
    "fields": {
        "": "Only in version 3: by name, in the order of the rows, an object of what the signal "
        "and the fit of each have of their own; signal and fit hold what all have."
    },
    "blocks": {
        "counts": "Only of several blocks: how many blocks there are along each axis.",
        "ensemble": "How many times they cover the signal; the field is the mean. 1 if missing.",
        "margins": "Samples along each axis by which a block reaches into its neighbours.",
    },
}
"""Metadata of a weights file, strings by key, the last four JSON objects. Infinite values are
"inf" there."""


def schema() -> dict[str, Section]:
    """Return what every key means: of objects, of events and of weights files."""
    return {"objects": OBJECTS, "events": EVENTS, "weights_file": WEIGHTS_FILE}


def schema_lines(width: int = 100) -> list[str]:
    """Return the same for people to read, in lines of at most `width` characters."""
    lines = []
    for title, section in (
        ("Objects of --json; each begins with json_version", OBJECTS),
        ("Events of --log and --progress json; each with log_version, time, elapsed", EVENTS),
        ("Metadata of a weights file, beside a tensor for each parameter", WEIGHTS_FILE),
    ):
        lines += [title, ""]
        for name, keys in section.items():
            indent = max(map(len, keys))
            lines.append(f"  {name}")
            for key, note in keys.items():
                text = textwrap.wrap(note, width - indent - 6)
                lines.append(f"    {key:<{indent}}  {text[0]}")
                lines += [" " * (indent + 6) + rest for rest in text[1:]]
            lines.append("")
    return lines[:-1]
