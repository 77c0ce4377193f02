"""What is asked of devices besides the CPU: of the one that is named, not of the current one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

Capability = tuple[int, int]
"""Compute capability: major and minor number."""

_WITH_BFLOAT16: Final[Capability] = (8, 0)
_ARCHITECTURE: Final = re.compile(r"(sm|compute)_(\d+)(\d)([af]?)")


WAITS: Final[Mapping[str, Callable[[torch.device], None]]] = {
    "cuda": torch.cuda.synchronize,
    "mps": lambda _device: torch.mps.synchronize(),
}
"""What waits until a device of a type has done what it was told to; the CPU always has."""


def wait_for(device: torch.device) -> None:
    """Wait until a device has done what it was told to."""
    if device.type in WAITS:
        WAITS[device.type](device)


def sent(values: Tensor, device: torch.device) -> Tensor:
    """Return values of the CPU on a device, without waiting for what it does."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def capability_of_device(device: torch.device) -> Capability:
    """Return the compute capability of a device, that of none where there is no CUDA."""
    return torch.cuda.get_device_capability(device) if torch.cuda.is_available() else (0, 0)


def has_bfloat16(
    device: torch.device,
    capability_of: Callable[[torch.device], Capability] = capability_of_device,
) -> bool:
    """Tell whether a device multiplies matrices of bfloat16 by itself."""
    if torch.version.hip:  # all that PyTorch supports do
        return True
    return capability_of(device) >= _WITH_BFLOAT16


def runs_code_for(capability: Capability, architectures: Sequence[str]) -> bool:
    """Tell whether a device of a capability can run code compiled for these architectures.

    They are named as by `torch.cuda.get_arch_list`. Machine code ("sm_86") runs on devices of the
    same major number and at least its minor one, of which that for one device alone ("sm_90a") on
    no other; intermediate code ("compute_90") on all later ones. Names of another kind, those of
    ROCm, are not judged.
    """
    for name in architectures:
        found = _ARCHITECTURE.fullmatch(name)
        if found is None:
            return True
        kind, major, minor, suffix = found.groups()
        compiled = (int(major), int(minor))
        if suffix == "a":
            runs = capability == compiled
        elif kind == "compute" and not suffix:
            runs = capability >= compiled
        else:
            runs = capability[0] == compiled[0] and capability[1] >= compiled[1]
        if runs:
            return True
    return False
