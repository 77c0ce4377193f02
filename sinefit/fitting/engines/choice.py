"""Choosing the training engine that suits a device."""

from __future__ import annotations

import functools
import importlib.util
from typing import TYPE_CHECKING, Literal

import torch

from sinefit.fitting.engines.adam import plain_update
from sinefit.fitting.engines.stages import PlainStages
from sinefit.native import tiles_supported
from sinefit.networks.size import NetworkSize
from sinefit.processor.products import bfloat16_products

if TYPE_CHECKING:
    from sinefit.fitting.engines.adam import Update
    from sinefit.fitting.engines.stages import Stages


EngineName = Literal["autograd", "manual", "native", "cuda"]


def choose_engine(
    wanted: Literal["auto", "manual", "autograd"], device: torch.device, size: NetworkSize
) -> EngineName:
    """Return the engine for a network on a device; "auto" takes the fastest that is there."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "cuda"
    return "native" if device.type == "cpu" and tiles_supported(size) else "manual"


def piece_size(device: torch.device) -> int:
    """Return how many samples a device works on at a time: as many as its caches hold.

    On CUDA a layer's phases, sines and cosines of a usual width then stay in the second cache.
    """
    return {"cpu": 2**12, "cuda": 2**14}.get(device.type, 2**17)


def fast_operands(device: torch.device) -> torch.dtype:
    """Return the type in which this device multiplies matrices fastest without harm to a fit.

    bfloat16 where there is hardware that sums such products in float32 (on the CPU as far as torch
    makes use of it, on CUDA from Ampere on), else float32.
    """
    if device.type == "cpu":
        if bfloat16_products():
            return torch.bfloat16
    elif device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32


def choose_stages(size: NetworkSize, piece: int, device: torch.device) -> Stages:
    """Return the fastest stages of a CUDA step for a network, over pieces of that many samples."""
    if triton_works(device):
        from sinefit.fitting.engines import triton_stages

        if triton_stages.fits(size):
            return triton_stages.TritonStages(size, piece, device)
    return PlainStages(size, piece, device)


def choose_update(device: torch.device) -> Update:
    """Return the fastest update of all weights by Adam on a device."""
    if triton_works(device):
        from sinefit.fitting.engines import triton_stages

        update: Update = triton_stages.adam
        return update
    return plain_update


@functools.cache
def triton_works(device: torch.device) -> bool:
    """Tell whether Triton is installed and makes kernels that run on a device; tried once."""
    if device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return False
    try:
        from sinefit.fitting.engines import triton_stages

        stages = triton_stages.TritonStages(NetworkSize(1, 16, 1, 1), 16, device)
        products, bias = torch.zeros((16, 16), device=device), torch.ones(16, device=device)
        sines, cosines = torch.empty_like(products), torch.empty_like(products)
        with torch.cuda.device(products.get_device()):
            stages.activate(products, bias, sines, cosines)
        return bool((sines.square() + cosines.square()).allclose(products.new_ones(())))
    except Exception:
        # It needs a C compiler and fails in ways of its own without one; the plain stages serve.
        return False
