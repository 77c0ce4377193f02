"""Handing tensors to C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def address_of(tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> int:
    """Return where a tensor's values are, after a check that C reads no others.

    Raises ValueError unless it is a contiguous tensor of this shape and type on the CPU.
    """
    if (
        tensor.dtype != dtype
        or tensor.device.type != "cpu"
        or not tensor.is_contiguous()
        or tuple(tensor.shape) != shape
    ):
        kind = str(dtype).removeprefix("torch.")
        raise ValueError(f"wanted a contiguous {kind} tensor of {shape} on the CPU")
    return tensor.data_ptr()
