"""Flags in place of the settings that the library names in its messages."""

from __future__ import annotations

import re
from typing import Final

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
    "region": "--region",
    "scale": "--scale",
    "seed": "--seed",
    "size": "--size",
    "start": "--start",
    "start_from": "--from",
    "steps": "--steps",
    "target_psnr": "--target-psnr",
    "threads": "--threads",
    "width": "--width",
}
"""The settings of the library that the command line offers, and the flags that it gives them."""


def with_flags(message: str) -> str:
    """Return a message of the library as the command line says it: `max_time` is --max-time."""
    return re.sub(r"`([a-z_]+)`", lambda match: FLAGS.get(match[1], match[0]), message)
