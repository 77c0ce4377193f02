"""Choosing the compute device and the number of CPU threads."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch

from sinefit.errors import DeviceError
from sinefit.validation import check_type, threads

if TYPE_CHECKING:
    from collections.abc import Iterator


def resolve_device(name: str | torch.device) -> torch.device:
    """Return the device of a name; "auto" is CUDA, else MPS, else the CPU.

    Raises DeviceError for a name that is no device and for a device that is not there.
    """
    if isinstance(name, torch.device):
        name = str(name)
    check_type("device", name, str, "auto, cpu, cuda, cuda:N or mps")
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise DeviceError(f"`device` is {name}: use auto, cpu, cuda, cuda:N or mps")
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            found = f"{count} CUDA devices" if count else "no CUDA device"
            raise DeviceError(f"`device` is {name}: this machine has {found}; use `device` auto")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("`device` is mps: this machine has no MPS device; use `device` auto")
    return device


@contextlib.contextmanager
def cpu_threads(count: int | None) -> Iterator[None]:
    """Run a block with this many CPU threads, then put back what was; None changes nothing.

    Raises SettingError for more threads than the machine has the cores for.
    """
    if count is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads(count))
    try:
        yield
    finally:
        torch.set_num_threads(before)
