"""Choosing the compute device and the number of CPU threads."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from sinefit.engines.graphics import runs_code_for
from sinefit.errors import DeviceError
from sinefit.validation import check_type, threads

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Accelerators:
    """The devices of a machine besides its CPU."""

    cuda: int = 0
    """Number of CUDA devices."""
    mps: bool = False
    """Whether there is an MPS device."""
    codeless: tuple[int, ...] = ()
    """Numbers of the CUDA devices that this build of PyTorch has no code for: too old ones, or
    newer than it."""

    @staticmethod
    def here() -> Accelerators:
        """Return those of this machine."""
        cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
        architectures = torch.cuda.get_arch_list() if cuda else []
        codeless = tuple(
            number
            for number in range(cuda)
            if not runs_code_for(torch.cuda.get_device_capability(number), architectures)
        )
        return Accelerators(cuda, torch.backends.mps.is_available(), codeless)


def resolve_device(
    name: str | torch.device, accelerators: Accelerators | None = None
) -> torch.device:
    """Return the device of a name; "auto" is CUDA, else MPS, else the CPU.

    `accelerators` are those of this machine unless told. Raises DeviceError for a name that is no
    device, for a device that is not there, and for one that PyTorch has no code for.
    """
    if isinstance(name, torch.device):
        name = str(name)
    check_type("device", name, str, "auto, cpu, cuda, cuda:N or mps")
    unknown = DeviceError(f"`device` is {name}: use auto, cpu, cuda, cuda:N or mps")
    try:
        device = None if name == "auto" else torch.device(name)
    except RuntimeError:
        raise unknown from None
    if device is not None and device.type not in ("cpu", "cuda", "mps"):
        raise unknown
    if device is not None and device.type == "cpu":
        return device  # without waking the drivers of others
    present = Accelerators.here() if accelerators is None else accelerators
    if device is None:
        usable = [number for number in range(present.cuda) if number not in present.codeless]
        if usable:
            return torch.device("cuda", usable[0]) if usable[0] else torch.device("cuda")
        return torch.device("mps" if present.mps else "cpu")
    if device.type == "cuda" and (device.index or 0) >= present.cuda:
        found = f"{present.cuda} CUDA devices" if present.cuda else "no CUDA device"
        raise DeviceError(f"`device` is {name}: this machine has {found}; use `device` auto")
    if device.type == "cuda" and (device.index or 0) in present.codeless:
        raise DeviceError(
            f"`device` is {name}: this build of PyTorch has no code for that GPU; use `device` "
            "auto, or a build for it"
        )
    if device.type == "mps" and not present.mps:
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
