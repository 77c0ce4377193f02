"""Flags in place of the settings that the library names in its messages."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from sinefit.cli.variables import variable_of

_OTHERS: Final = {
    "axes": "--axes",
    "bit_depth": "--bit-depth",
    "block": "--block",
    "cluster": "--cluster",
    "curves": "--curves",
    "figures": "--figures",
    "folder": "--output-folder",
    "footprint": "--footprint",
    "force": "--force",
    "format": "--format",
    "fps": "--fps",
    "kind": "--kind",
    "max_bytes": "--max-bytes",
    "max_pixels": "--max-pixels",
    "operations": "--operations",
    "points": "--points",
    "port": "--port",
    "quality": "--quality",
    "rate": "--rate",
    "recursive": "--recursive",
    "reduce": "--reduce",
    "samples": "--samples",
    "scale": "--scale",
    "seeds": "--seeds",
    "shard": "--shard",
    "sheet": "--sheet",
    "signal": "--signal",
    "size": "--size",
    "skip_existing": "--skip-existing",
    "sound": "--sound",
    "stack": "--stack",
    "start_from": "--from",
    "tensorboard": "--tensorboard",
    "together": "--together",
    "what": "--what",
}
"""Flags of what the library's calls take beside a fit's settings."""


@cache
def flags() -> dict[str, str]:
    """Return the words of the library that the command line has flags for, and those flags."""
    from sinefit.fitting.config import SETTINGS

    offered = (each for each in SETTINGS if each.group is not None)
    return {**_OTHERS, **{each.word: f"--{each.flag}" for each in offered}}


_origins: dict[str, str] = {}


def remember_origins(context: Any) -> None:
    """Remember which options of a command have their values from elsewhere than its line."""
    _origins.clear()
    for parameter in context.command.params:
        origin = origin_of(context, parameter)
        if origin is not None:
            _origins[flag_of(parameter)] = origin


def origin_of(context: Any, parameter: Any) -> str | None:
    """Return the file or the variable that a parameter's value is from, None for the command line.

    A default has no origin either.
    """
    source = getattr(context.get_parameter_source(parameter.name), "name", None)
    if source == "DEFAULT_MAP":
        return str(context.params.get("config_file"))
    if source == "ENVIRONMENT":
        return variable_of(context.info_name, flag_of(parameter))
    return None


def flag_of(parameter: Any) -> str:
    """Return the long flag of an option, or the name of an argument."""
    return str(next((flag for flag in parameter.opts if flag.startswith("--")), parameter.name))


def with_origin(message: str) -> str:
    """Return a message that begins with a flag, with the file or variable of its value in front."""
    match = re.match(r"--[a-z-]+", message)
    origin = _origins.get(match[0]) if match else None
    return message if origin is None else f"{origin}: {message}"


def with_flags(message: str) -> str:
    """Return a message of the library as the command line says it: `max_time` is --max-time."""
    return re.sub(r"`([a-z_]+)`", lambda match: flags().get(match[1], match[0]), message)
