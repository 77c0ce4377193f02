"""What a fit is computed with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from sinefit.fitting.devices import resolve_device
from sinefit.validation import threads as checked_threads

if TYPE_CHECKING:
    from sinefit.fitting.config import FitConfig


@dataclass(frozen=True)
class Machine:
    """A device, and threads of the CPU that feed it or are it."""

    device: torch.device
    threads: int


def machine_for(config: FitConfig) -> Machine:
    """Return what the settings ask for of this machine.

    Raises DeviceError for a device that is not there, SettingError for too many threads.
    """
    count = torch.get_num_threads() if config.threads is None else checked_threads(config.threads)
    return Machine(resolve_device(config.device), count)
