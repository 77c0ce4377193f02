"""Whether Triton can be used on a device, and what it offers there."""

from __future__ import annotations

import functools
import importlib.util
from typing import TYPE_CHECKING

import torch

from sinefit.networks.size import NetworkSize

if TYPE_CHECKING:
    from sinefit.engines.adam import Update
    from sinefit.engines.stages import Stages


def triton_stages_for(size: NetworkSize, piece: int, device: torch.device) -> Stages | None:
    """Return stages of single kernels for parts of so many samples, None where there are none."""
    if triton_works(device):
        from sinefit.engines import triton_stages

        if triton_stages.fits(size):
            return triton_stages.TritonStages(size, piece, device)
    return None


def triton_update(device: torch.device) -> Update | None:
    """Return Adam's step as one kernel, None where Triton does not work."""
    if not triton_works(device):
        return None
    from sinefit.engines import triton_stages

    update: Update = triton_stages.adam
    return update


@functools.cache
def triton_works(device: torch.device) -> bool:
    """Tell whether Triton is installed and makes kernels that run on a device; tried once."""
    if device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return False
    try:
        from sinefit.engines import triton_stages

        stages = triton_stages.TritonStages(NetworkSize(1, 16, 1, 1), 16, device)
        products, bias = torch.zeros((16, 16), device=device), torch.ones(16, device=device)
        sines, cosines = torch.empty_like(products), torch.empty_like(products)
        with torch.cuda.device(products.get_device()):
            stages.activate(products, bias, sines, cosines)
        return bool((sines.square() + cosines.square()).allclose(products.new_ones(())))
    except Exception:
        # It needs a C compiler and fails in ways of its own without one; the plain stages serve.
        return False
