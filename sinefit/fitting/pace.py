"""How fast devices train, roughly, for choices that cannot wait for a measurement."""

from __future__ import annotations

from typing import Final

import torch

from sinefit.fitting.devices import resolve_device
from sinefit.fitting.engines.choice import fast_operands
from sinefit.native import tiles_supported
from sinefit.networks.size import NetworkSize

TILES: Final = 0.8e12
"""Floating-point operations per second and thread of the engine on tile registers."""
LOW_PRECISION: Final = 0.25e12
"""The same of the engine in torch operations, with factors in bfloat16."""
SINGLE_PRECISION: Final = 0.08e12
"""The same with factors in float32."""
DEVICES: Final = {"cuda": 3e13, "mps": 1e12}
"""Floating-point operations per second of other devices."""


def operations_per_second(device: str, threads: int | None) -> float:
    """Return the pace of training on a device by name, with so many threads of the CPU.

    It is a constant per kind of machine: what is chosen by it does not change from run to run.
    Raises DeviceError as `resolve_device` does.
    """
    resolved = resolve_device(device)
    if resolved.type != "cpu":
        return DEVICES[resolved.type]
    if tiles_supported(NetworkSize(2, 256, 4, 3)):
        each = TILES
    else:
        low = fast_operands(resolved) != torch.float32
        each = LOW_PRECISION if low else SINGLE_PRECISION
    return each * (threads or torch.get_num_threads())
