"""Fit an image, a sound, a video or any array with a sine network; render it at any resolution.

field = sinefit.fit("photo.png", init="lambert")
sinefit.save(field, "photo.safetensors")
picture = sinefit.load("photo.safetensors").render(scale=4)
sinefit.write(picture, "photo-4x.png")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sinefit.version import __version__

if TYPE_CHECKING:
    from sinefit.analyzing.results import Analysis
    from sinefit.api.batches import fit_many, resume
    from sinefit.api.files import export, load, load_stack, save, save_stack, write, write_page
    from sinefit.api.fits import fit, upscale
    from sinefit.api.rendering import evaluate, render_on_cluster
    from sinefit.api.studies import analyze, compare, save_figures
    from sinefit.comparing.results import CellResult, Comparison
    from sinefit.errors import (
        ClusterError,
        DeviceError,
        InputError,
        MemoryLimitError,
        OutputError,
        OutputExistsError,
        SettingError,
        SinefitError,
    )
    from sinefit.fields.field import Field
    from sinefit.fields.record import FitRecord
    from sinefit.fitting.budget import Budget
    from sinefit.fitting.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
    from sinefit.fitting.config import FitConfig
    from sinefit.fitting.hooks import FitHooks
    from sinefit.fitting.loop import fit_signal
    from sinefit.fitting.report import (
        FitDivergedError,
        FitNotMeasuredError,
        FitReport,
        FitResult,
        FitStoppedError,
        Progress,
    )
    from sinefit.initializers.base import Initializer
    from sinefit.initializers.registry import INITIALIZERS, parse_initializer
    from sinefit.jobs.outcome import JobOutcome
    from sinefit.networks.family import Family
    from sinefit.networks.network import Network
    from sinefit.networks.registry import FAMILIES, parse_network
    from sinefit.rendering.plan import RenderRequest, plan_render
    from sinefit.rendering.render import render_pieces
    from sinefit.reproducing.registry import STUDIES, reproduce
    from sinefit.signals.reading import read_signal
    from sinefit.signals.selection import Selection
    from sinefit.signals.signal import Signal, SignalSpec
    from sinefit.solving.equation import Equation
    from sinefit.solving.registry import EQUATIONS
    from sinefit.solving.results import Solution, SolveProgress
    from sinefit.solving.solve import solve

# Names are loaded when first used: importing torch takes two seconds, which `--help` need not wait.
_HOMES = {
    "FAMILIES": "networks.registry",
    "INITIALIZERS": "initializers.registry",
    "Analysis": "analyzing.results",
    "Budget": "fitting.budget",
    "CellResult": "comparing.results",
    "Checkpoint": "fitting.checkpoint",
    "ClusterError": "errors",
    "Comparison": "comparing.results",
    "DeviceError": "errors",
    "EQUATIONS": "solving.registry",
    "Equation": "solving.equation",
    "Family": "networks.family",
    "Field": "fields.field",
    "FitConfig": "fitting.config",
    "FitDivergedError": "fitting.report",
    "FitHooks": "fitting.hooks",
    "FitNotMeasuredError": "fitting.report",
    "FitRecord": "fields.record",
    "FitReport": "fitting.report",
    "FitResult": "fitting.report",
    "FitStoppedError": "fitting.report",
    "Initializer": "initializers.base",
    "InputError": "errors",
    "JobOutcome": "jobs.outcome",
    "MemoryLimitError": "errors",
    "OutputError": "errors",
    "OutputExistsError": "errors",
    "Progress": "fitting.report",
    "RenderRequest": "rendering.plan",
    "Selection": "signals.selection",
    "STUDIES": "reproducing.registry",
    "SettingError": "errors",
    "Signal": "signals.signal",
    "SignalSpec": "signals.signal",
    "Network": "networks.network",
    "SinefitError": "errors",
    "Solution": "solving.results",
    "SolveProgress": "solving.results",
    "analyze": "api.studies",
    "compare": "api.studies",
    "decode_checkpoint": "fitting.checkpoint",
    "encode_checkpoint": "fitting.checkpoint",
    "evaluate": "api.rendering",
    "export": "api.files",
    "fit": "api.fits",
    "fit_many": "api.batches",
    "fit_signal": "fitting.loop",
    "load": "api.files",
    "load_stack": "api.files",
    "parse_initializer": "initializers.registry",
    "parse_network": "networks.registry",
    "plan_render": "rendering.plan",
    "read_signal": "signals.reading",
    "render_on_cluster": "api.rendering",
    "render_pieces": "rendering.render",
    "reproduce": "reproducing.registry",
    "resume": "api.batches",
    "save": "api.files",
    "save_figures": "api.studies",
    "save_stack": "api.files",
    "solve": "solving.solve",
    "upscale": "api.fits",
    "write": "api.files",
    "write_page": "api.files",
}

__all__ = [
    "EQUATIONS",
    "FAMILIES",
    "INITIALIZERS",
    "STUDIES",
    "Analysis",
    "Budget",
    "CellResult",
    "Checkpoint",
    "ClusterError",
    "Comparison",
    "DeviceError",
    "Equation",
    "Family",
    "Field",
    "FitConfig",
    "FitDivergedError",
    "FitHooks",
    "FitNotMeasuredError",
    "FitRecord",
    "FitReport",
    "FitResult",
    "FitStoppedError",
    "Initializer",
    "InputError",
    "JobOutcome",
    "MemoryLimitError",
    "Network",
    "OutputError",
    "OutputExistsError",
    "Progress",
    "RenderRequest",
    "Selection",
    "SettingError",
    "Signal",
    "SignalSpec",
    "SinefitError",
    "Solution",
    "SolveProgress",
    "__version__",
    "analyze",
    "compare",
    "decode_checkpoint",
    "encode_checkpoint",
    "evaluate",
    "export",
    "fit",
    "fit_many",
    "fit_signal",
    "load",
    "load_stack",
    "parse_initializer",
    "parse_network",
    "plan_render",
    "read_signal",
    "render_on_cluster",
    "render_pieces",
    "reproduce",
    "resume",
    "save",
    "save_figures",
    "save_stack",
    "solve",
    "upscale",
    "write",
    "write_page",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
