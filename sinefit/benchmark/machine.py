"""What a benchmark ran on: without it no figure means anything."""

from __future__ import annotations

import datetime as dt
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from sinefit.native.instruction_sets import tiles_supported
from sinefit.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from sinefit.networks.size import NetworkSize


@dataclass(frozen=True)
class Machine:
    """The machine, the versions and the day."""

    processor: str
    """Model of the CPU, as far as the system tells it."""
    cores: int
    """Cores that this process may use."""
    threads: int
    """Threads that PyTorch uses."""
    amx: bool
    """Whether the CPU has the tile registers of AMX."""
    native: bool
    """Whether sinefit's own code for them was compiled and takes the measured network."""
    load: float | None
    """Processes that wanted a core in the last minute, before the benchmark began; None where the
    system does not tell. Figures taken on a busy machine say little."""
    device: str
    """The device that is measured, with its name if it is not the CPU."""
    system: str
    python: str
    torch: str
    sinefit: str
    date: str
    """Day in UTC, ISO 8601."""


def describe_machine(device: torch.device, size: NetworkSize) -> Machine:
    """Describe the present machine for the benchmark of a network on a device."""
    return Machine(
        processor=processor_name(),
        cores=usable_cores(),
        threads=torch.get_num_threads(),
        # The probe has no public name; where it is missing nothing is known.
        amx=bool(getattr(torch.cpu, "_is_amx_tile_supported", bool)()),
        native=tiles_supported(size.width),
        load=load_average(),
        device=device_name(device),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        torch=torch.__version__,
        sinefit=__version__,
        date=dt.datetime.now(dt.UTC).date().isoformat(),
    )


def device_name(
    device: torch.device, name_of: Callable[[torch.device], str] = torch.cuda.get_device_name
) -> str:
    """Return a device as PyTorch calls it, with the card's own name if it is one for CUDA."""
    return f"{device}, {name_of(device)}" if device.type == "cuda" else str(device)


def processor_name(table: Path = Path("/proc/cpuinfo")) -> str:
    """Return the model of the CPU from the kernel's table, else what Python knows of it."""
    try:
        for line in table.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return how many cores this process may use, where the system tells, else all there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_average() -> float | None:
    """Return the mean number of processes that wanted a core in the last minute, if it is known."""
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):
        return None
