"""Choosing the training engine that suits a device."""

from __future__ import annotations

import torch


def piece_size(device: torch.device) -> int:
    """Return how many samples a device works on at a time: on the CPU as many as caches hold."""
    return 4096 if device.type == "cpu" else 2**17


def fast_operands(device: torch.device) -> torch.dtype:
    """Return the type in which this device multiplies matrices fastest without harm to a fit.

    bfloat16 where there is hardware for it (AMX or AVX512-BF16 on the CPU, Ampere and later on
    CUDA), else float32.
    """
    if device.type == "cpu":
        # These probes have no public name; where they are missing float32 is always right.
        probes = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
        if any(getattr(torch.cpu, probe, bool)() for probe in probes):
            return torch.bfloat16
    elif device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32
