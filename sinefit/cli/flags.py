"""Flags in place of the settings that the library names in its messages."""

from __future__ import annotations

import re
from typing import Any, Final

from sinefit.cli.variables import variable_of

FLAGS: Final = {
    "batch": "--batch",
    "bit_depth": "--bit-depth",
    "channels_last": "--channels-last",
    "depth": "--depth",
    "device": "--device",
    "domain": "--domain",
    "downsample": "--downsample",
    "dtype": "--dtype",
    "duration": "--duration",
    "folder": "--output-folder",
    "force": "--force",
    "format": "--format",
    "fps": "--fps",
    "init": "--init",
    "kind": "--kind",
    "learning_rate": "--lr",
    "max_bytes": "--max-bytes",
    "max_pixels": "--max-pixels",
    "max_time": "--max-time",
    "omega": "--omega",
    "quality": "--quality",
    "rate": "--rate",
    "recursive": "--recursive",
    "region": "--region",
    "scale": "--scale",
    "seed": "--seed",
    "size": "--size",
    "sound": "--sound",
    "start": "--start",
    "start_from": "--from",
    "steps": "--steps",
    "target_psnr": "--target-psnr",
    "threads": "--threads",
    "width": "--width",
}
"""The settings of the library that the command line offers, and the flags that it gives them."""


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
    return re.sub(r"`([a-z_]+)`", lambda match: FLAGS.get(match[1], match[0]), message)
